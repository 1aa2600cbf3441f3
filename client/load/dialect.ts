/** What a message from a server is to a client on its way in. */
export type Greeting = 'welcome' | 'refused' | 'other'

/** What a load generator must know of a game server's protocol: how to move, and which messages are state. */
export interface Dialect {
  /** Answers a welcome; undefined: nothing does. */
  readonly afterWelcome: Uint8Array | undefined
  /** A move: the wanted velocity in millimetres a second. `seen`: the tick of the last state, 0 before the first. */
  move(sequence: number, vx: number, vy: number, seen: number): Uint8Array
  isState(message: Uint8Array): boolean
  greeting(message: Uint8Array): Greeting
  /** The tick that a state message is of; undefined when the protocol does not say it. */
  tick(message: Uint8Array): number | undefined
  /** How many entities a state message updates; undefined when that can't be told without being a whole client. */
  updates(message: Uint8Array): number | undefined
  /** Why a message refused us, for people. */
  reason(message: Uint8Array): string
}
