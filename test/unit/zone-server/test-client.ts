import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { type ViewedEntity, ZoneView } from '../../../client/view.ts'
import {
  decodeServerMessage,
  decodeServerPayload,
  encodeClientMessage,
  FRAME_STATE,
  PROTOCOL_VERSION,
  type ServerMessage,
} from '../../../core/protocol/frame.ts'
import { LengthPrefixReader, withLength } from '../../../core/protocol/length-prefix.ts'
import { decodeStateFrame, type StateFrame } from '../../../core/protocol/state-frame.ts'

type Body = ServerMessage['body']
type Case = NonNullable<Body['case']>
type ValueOf<K extends Case> = Extract<Body, { readonly case: K }>['value']
type ClientBody = NonNullable<Parameters<typeof encodeClientMessage>[0]['body']>

/** A game client of the tests: keeps everything it was told. */
export class TestClient {
  readonly messages: Body[] = []
  readonly states: StateFrame[] = []
  /** Entities in view, by id. */
  view: ReadonlyMap<number, ViewedEntity> = new Map()
  readonly #view = new ZoneView()
  closed = false
  #socket: WebSocket | Socket
  #sequence = 0
  #wake: (() => void)[] = []

  private constructor(socket: WebSocket | Socket) {
    this.#socket = socket
  }

  static async connect(endpoint: string, kind: 'websocket' | 'tcp'): Promise<TestClient> {
    if (kind === 'websocket') {
      const socket = new WebSocket(`ws://${endpoint}`)
      const client = new TestClient(socket)
      socket.on('message', (data: Buffer) => client.#take(new Uint8Array(data)))
      socket.on('close', () => client.#end())
      socket.on('error', () => client.#end())
      await once(socket, 'open')
      return client
    }
    const [host = '', port = ''] = endpoint.split(':')
    const socket = connect(Number(port), host)
    const client = new TestClient(socket)
    const reader = new LengthPrefixReader(16 * 1024 * 1024)
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) client.#take(frame)
    })
    socket.on('close', () => client.#end())
    socket.on('error', () => client.#end())
    await once(socket, 'connect')
    return client
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#socket instanceof WebSocket) this.#socket.send(bytes)
    else this.#socket.write(withLength(bytes))
  }

  hello(layer: string, ticket: string, protocol = PROTOCOL_VERSION): void {
    this.sendBytes(encodeClientMessage({ body: { case: 'hello', value: { layer, ticket, protocol } } }))
  }

  /** Sends an input and answers its number. */
  input(body: ClientBody, sequence = ++this.#sequence): number {
    this.sendBytes(encodeClientMessage({ sequence, body, seen: this.#view.tick }))
    return sequence
  }

  async welcome(): Promise<ValueOf<'welcome'>> {
    const welcome = await this.next('welcome')
    this.#sequence = Math.max(this.#sequence, welcome.acknowledged)
    return welcome
  }

  /** The first message of this kind (that fits) since the last one that was asked for; waits for it. */
  async next<K extends Case>(kind: K, fits: (value: ValueOf<K>) => boolean = () => true): Promise<ValueOf<K>> {
    for (;;) {
      const at = this.messages.findIndex((body) => body.case === kind && fits(body.value as ValueOf<K>))
      if (at >= 0) return this.messages.splice(at, 1)[0]?.value as ValueOf<K>
      if (this.closed) throw new Error(`closed before ${kind}; got ${JSON.stringify(this.messages.map((body) => body.case))}`)
      await this.news()
    }
  }

  async until(holds: (client: TestClient) => boolean): Promise<void> {
    while (!holds(this)) {
      if (this.closed) throw new Error('closed while waiting')
      await this.news()
    }
  }

  async ended(): Promise<void> {
    while (!this.closed) await this.news()
  }

  /** The entity in view with this name. */
  find(name: string): { id: number; x: number; y: number } | undefined {
    for (const [id, entity] of this.view) if (entity.name === name) return { id, x: entity.x, y: entity.y }
    return undefined
  }

  news(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  /** Ends without a goodbye. */
  cut(): void {
    if (this.#socket instanceof WebSocket) this.#socket.terminate()
    else this.#socket.destroy()
  }

  #take(frame: Uint8Array): void {
    if (frame[0] === FRAME_STATE) {
      const state = decodeStateFrame(frame)
      for (const message of state.messages) this.#message(decodeServerPayload(message).body)
      this.states.push(state)
      this.#view.state(state)
      this.view = this.#view.entities
    } else this.#message(decodeServerMessage(frame).body)
    this.#wakeAll()
  }

  #message(body: Body): void {
    if (body.case === 'welcome') this.#view.welcomed(body.value)
    this.messages.push(body)
  }

  #end(): void {
    this.closed = true
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
