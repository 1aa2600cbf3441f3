import { expect } from 'vitest'
import type { LivingCharacter } from '../../../core/chains.ts'
import { chains } from '../../../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../../../core/character-record.ts'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { KnownLocation } from '../../../core/ports/index-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { z } from '../../../core/validate/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import type { TokenSigner } from '../../../platform/tokens/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createCharactersApp } from '../../../services/characters/app.ts'
import { sweepDue } from '../../../services/characters/sweep.ts'
import type { Answer, Served } from '../auth/serve-app.ts'
import { collectLog, serveApp } from '../auth/serve-app.ts'

export const GRACE = 1_000_000
export const NAMES = 30

/** The characters service over SQLite in memory, a clock that stands still, and an index that says what it is told to. */
export class Stage {
  readonly clock = new ManualClock(Date.parse('2026-01-02T03:04:05.678Z'))
  readonly locations = new Map<string, KnownLocation>()
  readonly lines: readonly string[]
  readonly store: Store
  indexAway = false
  readonly #log = collectLog()
  readonly #signer: TokenSigner
  #served: Served | undefined
  #accounts = 0

  private constructor(store: Store, signer: TokenSigner) {
    this.store = store
    this.#signer = signer
    this.lines = this.#log.lines
  }

  static async open(): Promise<Stage> {
    const clock = new ManualClock(Date.parse('2026-01-02T03:04:05.678Z'))
    const stage = new Stage(await createSqliteStore({ file: ':memory:' }), await createTokenSigner({ clock }))
    stage.#served = await stage.serve()
    return stage
  }

  get served(): Served {
    if (this.#served === undefined) throw new Error('the stage is not open')
    return this.#served
  }

  /** Another instance of the service, over another way to the same store. */
  serve(store: Store = this.store): Promise<Served> {
    const verifier = createTokenVerifier(
      { keys: this.#signer.publicJwks() },
      { clock: new ManualClock(Date.parse('2026-01-02T03:04:05.678Z')) },
    )
    const metrics = createMetrics('characters')
    const index = {
      getLocation: async (character: string) => {
        if (this.indexAway) throw new BailiwickError('IndexUnavailable')
        return this.locations.get(character)
      },
    }
    const { clock } = this
    return serveApp(
      createCharactersApp({ store, index, verifier, log: this.#log.log, metrics, clock, deleteGraceMs: GRACE, namesPerDay: NAMES }),
    )
  }

  /** A new account that asks the service. */
  async player(at: Served = this.served, account = `account${++this.#accounts}`) {
    const { accessToken } = await this.#signer.sign({ account, name: account, session: 's', roles: ['player'] })
    const ask = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
      at.ask(method, `/v1/characters${path}`, body, accessToken, headers)
    return {
      account,
      accessToken,
      ask,
      make: (name: unknown, key?: string) => ask('POST', '', { name }, key === undefined ? {} : { 'idempotency-key': key }),
      list: (query = '') => ask('GET', query),
      get: (id: string) => ask('GET', `/${id}`),
      rename: (id: string, name: unknown, ifMatch = '*') => ask('PATCH', `/${id}`, { name }, { 'if-match': ifMatch }),
      remove: (id: string, ifMatch = '*') => ask('DELETE', `/${id}`, undefined, { 'if-match': ifMatch }),
      restore: (id: string, headers = {}) => ask('POST', `/${id}/restore`, undefined, headers),
    }
  }

  /** What a zone server does: the next record of the character's chain. */
  async write(id: string, change: (record: LivingCharacter) => LivingCharacter): Promise<void> {
    const chain = chains.character(id)
    const head = await this.store.head(chain)
    const record = head === undefined ? undefined : readCharacterRecord(chain, head)
    if (head === undefined || record === undefined || record.kind === 'deleted') throw new Error(`no character ${id}`)
    expect(await this.store.append(chain, head.n + 1, `n${head.n}`, storedCharacter(change(record)))).toBe('Done')
  }

  async sweep(store: Store = this.store): Promise<void> {
    const { log } = this.#log
    const deps = { store, clock: this.clock, limit: 8, log, metrics: createMetrics('sweep') }
    // Each round may leave what only the next one finds.
    for (let round = 0; (await sweepDue(deps)) > 0; round++) if (round > 20) throw new Error('the sweep comes to no end')
  }

  async close(): Promise<void> {
    await this.#served?.close()
    await this.store.close()
  }
}

export const problem = (answer: Answer) => ({ status: answer.status, code: answer.body['code'] })

export const idOf = (answer: Answer): string => z.object({ character: z.looseObject({ id: z.string() }) }).parse(answer.body).character.id

export const namesOf = (answer: Answer): readonly string[] =>
  z
    .object({ characters: z.array(z.looseObject({ name: z.string() })) })
    .parse(answer.body)
    .characters.map((one) => one.name)

/** Dies before the given write (an append, a prune or a removal), and from then on does nothing. */
export function dyingAt(store: Store, write: number): Store & { readonly dead: () => boolean } {
  let writes = 0
  const live = (): void => {
    if (++writes >= write) throw new Error('killed')
  }
  return {
    ...store,
    dead: () => writes >= write,
    async append(...args) {
      live()
      return store.append(...args)
    },
    async prune(...args) {
      live()
      return store.prune(...args)
    },
    async remove(...args) {
      live()
      return store.remove(...args)
    },
    async head(chain) {
      if (writes >= write) throw new Error('killed')
      return store.head(chain)
    },
  }
}
