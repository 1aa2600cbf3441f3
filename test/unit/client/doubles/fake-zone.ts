import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { type ClientMessage, decodeClientFrame, encodeServerMessage } from '../../../../core/protocol/frame.ts'
import { LengthPrefixReader, withLength } from '../../../../core/protocol/length-prefix.ts'
import { encodeStateFrame } from '../../../../core/protocol/state-frame.ts'

type ServerBody = NonNullable<Parameters<typeof encodeServerMessage>[0]['body']>

/** What the world remembers of a character, over all hosts: what the store would. */
export interface FakeCharacter {
  readonly name: string
  /** The last input applied. */
  sequence: number
  /** Every input applied, in order. */
  readonly applied: { readonly sequence: number; readonly body: ClientMessage['body'] }[]
}

export interface FakePlayer {
  readonly character: FakeCharacter
  readonly send: (body: ServerBody) => void
  readonly sendFrame: (frame: Uint8Array) => void
  /** Cuts the connection without a word. */
  readonly cut: () => void
}

export interface FakeZoneScript {
  /** Who a ticket lets in, or the code that it is refused with. */
  redeem(layer: string, ticket: string): Promise<{ readonly character: string } | { readonly refused: string }>
  /** The epoch in which it serves. */
  epoch(): number
  /** False: this input is neither applied nor acknowledged (a host that is about to crash). */
  applies?(character: FakeCharacter, message: ClientMessage): boolean
  /** True: nobody is welcomed. */
  mute?(): boolean
  /** True: connections stand, but nothing is sent or answered, as a host that hangs. */
  frozen?(): boolean
}

/** A test double of a zone server's game port, over the `ws` package and plain TCP: speaks the protocol, keeps no world but a line-up of entities. */
export class FakeZone {
  readonly players: FakePlayer[] = []
  /** Every hello received: layer and ticket. */
  readonly hellos: { readonly layer: string; readonly ticket: string }[] = []
  readonly #world: Map<string, FakeCharacter>
  readonly #script: FakeZoneScript
  readonly #http: Server = createServer()
  readonly #tcp: ReturnType<typeof createTcpServer>
  readonly #sockets = new Set<Socket>()
  readonly #webSockets = new WebSocketServer({ server: this.#http })
  #tick = 100
  #timer: NodeJS.Timeout | undefined

  constructor(world: Map<string, FakeCharacter>, script: FakeZoneScript) {
    this.#world = world
    this.#script = script
    this.#webSockets.on('connection', (socket) => this.#onWebSocket(socket))
    this.#tcp = createTcpServer((socket) => this.#onTcp(socket))
    this.#http.on('connection', (socket) => this.#sockets.add(socket))
    this.#tcp.on('connection', (socket) => this.#sockets.add(socket))
  }

  async start(): Promise<{ readonly endpoint: string; readonly tcpEndpoint: string }> {
    this.#http.listen(0, '127.0.0.1')
    this.#tcp.listen(0, '127.0.0.1')
    await Promise.all([once(this.#http, 'listening'), once(this.#tcp, 'listening')])
    this.#timer = setInterval(() => this.#onTick(), 20)
    return { endpoint: endpointOf(this.#http.address()), tcpEndpoint: endpointOf(this.#tcp.address()) }
  }

  /** Kills every socket and the port, as kill -9 does. */
  async die(): Promise<void> {
    clearInterval(this.#timer)
    const closed = [this.#http, this.#tcp].filter((server) => server.listening).map((server) => once(server, 'close'))
    this.#http.close()
    this.#tcp.close()
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
  }

  /** Kills the connections and goes on. */
  cutAll(): void {
    for (const player of [...this.players]) player.cut()
  }

  get tick(): number {
    return this.#tick
  }

  stateFrame(player: FakePlayer, epoch: number, tick: number): Uint8Array {
    const full = this.players.map(({ character }, at) => {
      return { id: at + 1, kind: 'avatar', name: character.name, x: at * 1_000 + tick * 10, y: 0, heading: 0 }
    })
    const view = { fresh: true, column: 0, row: 0, left: [], updates: [], messages: [] }
    return encodeStateFrame({ epoch, tick, acknowledged: player.character.sequence, full, ...view })
  }

  #onTick(): void {
    if (this.#script.frozen?.() === true) return
    this.#tick += 1
    for (const player of this.players) player.sendFrame(this.stateFrame(player, this.#script.epoch(), this.#tick))
  }

  #onWebSocket(socket: WebSocket): void {
    const receive = this.#begin({ write: (frame) => socket.send(frame), cut: () => socket.terminate() }, (end) => socket.once('close', end))
    socket.on('message', (data: Buffer) => receive(new Uint8Array(data)))
    // A cut connection is what these tests are about.
    socket.on('error', () => undefined)
  }

  #onTcp(socket: Socket): void {
    const reader = new LengthPrefixReader(16 * 1024)
    const receive = this.#begin({ write: (frame) => socket.write(withLength(frame)), cut: () => socket.destroy() }, (end) =>
      socket.once('close', end),
    )
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) receive(frame)
    })
    socket.on('error', () => undefined)
  }

  #begin(wire: { write: (frame: Uint8Array) => void; cut: () => void }, onEnd: (end: () => void) => void): (frame: Uint8Array) => void {
    let player: FakePlayer | undefined
    const send = (body: ServerBody): void => wire.write(encodeServerMessage({ body }))
    onEnd(() => {
      if (player !== undefined) this.players.splice(this.players.indexOf(player), 1)
    })
    return (frame) => {
      const message = decodeClientFrame(frame)
      if (message.body.case === 'hello') {
        const { layer, ticket } = message.body.value
        this.hellos.push({ layer, ticket })
        void this.#welcome(layer, ticket, { send, sendFrame: wire.write, cut: wire.cut }).then((welcomed) => {
          player = welcomed
        })
      } else if (player !== undefined) this.#onMessage(player, message)
    }
  }

  async #welcome(layer: string, ticket: string, wire: Omit<FakePlayer, 'character'>): Promise<FakePlayer | undefined> {
    if (this.#script.mute?.() === true) return undefined
    const redeemed = await this.#script.redeem(layer, ticket)
    if ('refused' in redeemed) {
      wire.send({ case: 'refused', value: { code: redeemed.refused, message: 'as the script says', sequence: 0 } })
      return undefined
    }
    const name = redeemed.character
    const character = this.#world.get(name) ?? { name, sequence: 0, applied: [] }
    this.#world.set(name, character)
    const player = { ...wire, character }
    this.players.push(player)
    const bounds = { minX: 0, minY: 0, maxX: 1_000_000, maxY: 1_000_000 }
    const own = { entity: this.players.length, character: name, name, maxSpeed: 5_000, acknowledged: character.sequence }
    wire.send({
      case: 'welcome',
      value: { layer, epoch: this.#script.epoch(), tick: this.#tick, tickRate: 20, ...own, ...bounds, inventory: [] },
    })
    return player
  }

  #onMessage(player: FakePlayer, message: ClientMessage): void {
    if (this.#script.frozen?.() === true) return
    const { character } = player
    const { body, sequence } = message
    if (body.case === 'ping') player.send({ case: 'pong', value: { nonce: body.value.nonce } })
    if (sequence <= character.sequence || this.#script.applies?.(character, message) === false) return
    character.sequence = sequence
    character.applied.push({ sequence, body })
    if (body.case === 'say')
      for (const other of this.players) other.send({ case: 'said', value: { from: character.name, text: body.value.text } })
    if (body.case === 'tell') this.#onTell(player, body.value)
    if (body.case === 'pickUp')
      player.send({ case: 'refused', value: { code: 'ItemUnknown', message: 'There is no such item within reach', sequence } })
    if (body.case === 'leave') {
      player.send({ case: 'goodbye', value: { reason: 'left' } })
      player.cut()
    }
  }

  #onTell(player: FakePlayer, { to, text, id }: { readonly to: string; readonly text: string; readonly id: number }): void {
    const target = this.players.find((entry) => entry.character.name === to)
    target?.send({ case: 'told', value: { from: player.character.name, text } })
    player.send({ case: 'tellResult', value: { id, delivered: target !== undefined } })
  }
}

function endpointOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return `127.0.0.1:${address.port}`
}
