// The load: connections that each ask again as soon as they have their answer, or at a pace. Reads answers only as far as to know where they end.
import { connect, type Socket } from 'node:net'
import { serveCalls } from '../kit/served.ts'

export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly zones: number
  readonly seconds: number
  /** So many requests of all connections together; undefined: as many as are answered. */
  readonly perSecond?: number | undefined
}

export interface LoadReport {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Answers that were not 200. */
  readonly others: number
}

const END = Buffer.from('\r\n\r\n')
const LENGTH = /\r\ncontent-length: (\d+)/i

serveCalls({ load })

async function load({ port, connections, zones, seconds, perSecond }: LoadOrder): Promise<LoadReport> {
  const requests = Array.from({ length: zones }, (_, zone) => Buffer.from(`GET /v1/zones/game/zone-${zone} HTTP/1.1\r\nHost: a\r\n\r\n`))
  const took: number[] = []
  let others = 0
  let running = true
  let counted = false
  const clients = await Promise.all(Array.from({ length: connections }, () => opened(port)))
  for (const socket of clients) {
    let at = 0
    let rest: Buffer = Buffer.alloc(0)
    const ask = (): void => {
      if (!running) return
      at = performance.now()
      socket.write(requests[Math.floor(Math.random() * zones)] as Buffer)
    }
    socket.on('data', (part: Buffer) => {
      rest = rest.length === 0 ? part : Buffer.concat([rest, part])
      const head = rest.indexOf(END)
      if (head < 0) return
      const text = rest.toString('latin1', 0, head)
      const length = Number(LENGTH.exec(text)?.[1] ?? Number.NaN)
      if (Number.isNaN(length)) throw new Error(`an answer without length: ${text}`)
      if (rest.length < head + END.length + length) return
      rest = Buffer.alloc(0)
      if (counted) took.push(performance.now() - at)
      if (!text.startsWith('HTTP/1.1 200')) others += 1
      if (perSecond === undefined) return ask()
      // Not in step: between half and one and a half of the pause.
      setTimeout(ask, Math.max(0, (connections * 1_000 * (0.5 + Math.random())) / perSecond - (performance.now() - at)))
    })
    ask()
  }
  // The server finds its pace first.
  await pause(1_000)
  counted = true
  const began = performance.now()
  await pause(seconds * 1_000)
  const elapsed = (performance.now() - began) / 1_000
  running = false
  const count = took.length
  for (const socket of clients) socket.destroy()
  took.sort((a, b) => a - b)
  return { perSecond: count / elapsed, p50: took[Math.floor(count * 0.5)] ?? 0, p99: took[Math.floor(count * 0.99)] ?? 0, others }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
