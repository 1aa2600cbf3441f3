import type { Game } from '../crowd/game.ts'

/** What a server process is told, and answers: the same for both sides of a comparison. */
export interface ServerStart {
  readonly game: Game
  /** Ours alone: its index. */
  readonly redisUrl: string
}

export interface ServerStarted {
  readonly port: number
  /** How each client comes in. */
  readonly doors: readonly Door[]
}

export interface Door {
  readonly path: string
  /** The first frame; undefined: none. */
  readonly hello: Uint8Array | undefined
}

export interface ServerUse {
  /** Lateness of the server's event loop, milliseconds. */
  readonly loopP99: number
  readonly loopMax: number
  /** Resident memory, bytes. */
  readonly memory: number
}

export type Side = 'bailiwick' | 'colyseus'
