import { connect } from 'node:net'
import { KNOCK_DEADLINE } from '../../core/timing.ts'

/** What came of a try to connect. `refused`: a machine that is there said that nobody listens. `nothing`: it may be the way that is broken. */
export type Heard = 'open' | 'refused' | 'nothing'

/** Tries to connect to `address:port` or `address:port/path`, and hangs up. Never throws. */
export type Knock = (endpoint: string) => Promise<Heard>

const NOBODY_LISTENS: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET'])

/** By TCP, within KNOCK_DEADLINE. */
export const knock: Knock = (endpoint) => {
  const target = readEndpoint(endpoint)
  if (target === undefined) return Promise.resolve('nothing')
  return new Promise((resolve) => {
    const socket = connect(target)
    const end = (heard: Heard): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(heard)
    }
    const timer = setTimeout(() => end('nothing'), KNOCK_DEADLINE)
    socket.once('connect', () => end('open'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(NOBODY_LISTENS.has(error.code) ? 'refused' : 'nothing'))
  })
}

function readEndpoint(endpoint: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^/:[\]]+)):(\d{1,5})(?:\/|$)/i.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port }
}
