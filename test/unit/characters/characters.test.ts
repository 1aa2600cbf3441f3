import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CharacterRecord } from '../../../core/chains.ts'
import { chains } from '../../../core/chains.ts'
import { readCharacterRecord, storedCharacter } from '../../../core/character-record.ts'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import type { CharacterLocation } from '../../../core/ports/index-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import { z } from '../../../core/validate/index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import type { TokenSigner } from '../../../platform/tokens/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createCharactersApp } from '../../../services/characters/app.ts'
import type { Answer, Served } from '../auth/serve-app.ts'
import { collectLog, serveApp } from '../auth/serve-app.ts'

const clock = new ManualClock(Date.parse('2026-01-02T03:04:05.678Z'))
const { log, lines } = collectLog()
const locations = new Map<string, CharacterLocation>()
let indexAway = false
const index = {
  async getLocation(character: string) {
    if (indexAway) throw new BailiwickError('IndexUnavailable')
    return locations.get(character)
  },
}
let store: Store
let signer: TokenSigner
let served: Served
let accounts = 0

const appOver = (over: Store) => {
  const verifier = createTokenVerifier({ keys: signer.publicJwks() }, { clock })
  return serveApp(createCharactersApp({ store: over, index, verifier, log, metrics: createMetrics('characters'), clock }))
}

beforeAll(async () => {
  store = await createSqliteStore({ file: ':memory:' })
  signer = await createTokenSigner({ clock })
  served = await appOver(store)
})
afterAll(async () => {
  await served.close()
  await store.close()
})

/** A new account that asks the service. */
async function player(at: Served = served, account = `account${++accounts}`) {
  const { accessToken } = await signer.sign({ account, name: account, session: 's', roles: ['player'] })
  return {
    account,
    accessToken,
    make: (name: unknown) => at.ask('POST', '/v1/characters', { name }, accessToken),
    list: () => at.ask('GET', '/v1/characters', undefined, accessToken),
    get: (id: string) => at.ask('GET', `/v1/characters/${id}`, undefined, accessToken),
    remove: (id: string) => at.ask('DELETE', `/v1/characters/${id}`, undefined, accessToken),
  }
}
const problem = (answer: Answer) => ({ status: answer.status, code: answer.body['code'] })
const idOf = (answer: Answer): string => z.object({ character: z.looseObject({ id: z.string() }) }).parse(answer.body).character.id
const namesOf = (answer: Answer) =>
  z
    .object({ characters: z.array(z.looseObject({ name: z.string() })) })
    .parse(answer.body)
    .characters.map((one) => one.name)

/** What a zone server does: the next record of the character's chain. */
async function write(id: string, change: (record: CharacterRecord) => CharacterRecord): Promise<void> {
  const chain = chains.character(id)
  const head = await store.head(chain)
  if (head === undefined) throw new Error(`no character ${id}`)
  expect(await store.append(chain, head.n + 1, `n${head.n}`, storedCharacter(change(readCharacterRecord(chain, head))))).toBe('Done')
}

describe('characters', () => {
  test('made, listed, read', async () => {
    const ann = await player()
    const made = await ann.make('Aragorn')
    const character = {
      id: expect.stringMatching(/^[\w-]{22}$/),
      name: 'Aragorn',
      zone: null,
      position: null,
      inventory: [],
      location: { state: 'Offline' },
      createdAt: '2026-01-02T03:04:05.678Z',
    }
    expect(made).toMatchObject({ status: 201, body: { character } })
    await ann.make('Arwen')
    expect(namesOf(await ann.list())).toEqual(['Aragorn', 'Arwen'])
    expect((await ann.get(idOf(made))).body).toEqual({ character })
    expect((await (await player()).list()).body).toEqual({ characters: [] })
  })

  test('positions are in metres; a resident is shown where it is, with its last stored state', async () => {
    const ann = await player()
    const id = idOf(await ann.make('Boromir'))
    const state = {
      zone: 'game/meadow',
      position: { x: 1_500, y: -20 },
      inventory: [{ id: 'i1', kind: 'sword' }],
      inputSequence: 7,
    } as const
    await write(id, (record) => ({ ...record, state }))
    const stored = { zone: 'game/meadow', position: { x: 1.5, y: -0.02 }, inventory: [{ id: 'i1', kind: 'sword' }] }
    expect((await ann.get(id)).body).toMatchObject({ character: { ...stored, location: { state: 'Offline' } } })
    await write(id, (record) => ({ ...record, kind: 'held', layer: 'game/forest/0' }))
    const held = { state: 'InZone', zone: 'game/forest', layer: 'game/forest/0' }
    expect((await ann.get(id)).body).toMatchObject({ character: { ...stored, location: held } })
    locations.set(id, { state: 'InZone', zone: 'game/forest', layer: 'game/forest/1' })
    expect((await ann.get(id)).body).toMatchObject({ character: { location: { layer: 'game/forest/1' } } })
    indexAway = true
    expect((await ann.list()).body).toMatchObject({ characters: [{ location: held }] })
    indexAway = false
  })

  test.each(['ab', 'a'.repeat(21), 'a b c', '', 'x\u0007yz', { $ne: 1 }, ['abc'], 7, undefined])('name %j is refused', async (name) => {
    expect(problem(await (await player()).make(name))).toEqual({ status: 400, code: 'InvalidInput' })
  })

  test('a name is one character’s, in every writing, also within an account', async () => {
    const [ann, bob] = [await player(), await player()]
    await ann.make('Celeborn')
    expect(problem(await bob.make('ＣＥＬＥborn'))).toEqual({ status: 409, code: 'NameTaken' })
    expect(problem(await ann.make('celeborn'))).toEqual({ status: 409, code: 'NameTaken' })
    expect(namesOf(await bob.list())).toEqual([])
  })

  test('of 12 accounts that want one name at once one gets it, and nobody loses a slot', async () => {
    const players = await Promise.all(Array.from({ length: 12 }, () => player()))
    const answers = await Promise.all(players.map((one) => one.make('Denethor')))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body['code'] === 'NameTaken')).toHaveLength(11)
    const lists = await Promise.all(players.map((one) => one.list()))
    expect(lists.flatMap(namesOf)).toEqual(['Denethor'])
  })

  test('eight at most, also when twelve are asked for at once', async () => {
    const ann = await player()
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ann.make(`Ent${i}`)))
    expect(answers.filter((answer) => answer.status === 201).length).toBeLessThanOrEqual(8)
    for (const answer of answers) expect([undefined, 'TooManyCharacters', 'Busy']).toContain(answer.body['code'])
    for (let i = 12; namesOf(await ann.list()).length < 8; i++) await ann.make(`Ent${i}`)
    expect(problem(await ann.make('Treebeard'))).toEqual({ status: 409, code: 'TooManyCharacters' })
  })

  test('deleting frees the name and the slot', async () => {
    const [ann, bob] = [await player(), await player()]
    const id = idOf(await ann.make('Faramir'))
    expect((await ann.remove(id)).status).toBe(204)
    expect(problem(await ann.get(id))).toEqual({ status: 404, code: 'CharacterUnknown' })
    expect(problem(await ann.remove(id))).toEqual({ status: 404, code: 'CharacterUnknown' })
    expect(namesOf(await ann.list())).toEqual([])
    expect((await bob.make('Faramir')).status).toBe(201)
  })

  test('a character in a zone is not deleted', async () => {
    const ann = await player()
    const id = idOf(await ann.make('Gimli'))
    await write(id, (record) => ({ ...record, kind: 'held', layer: 'game/forest/0' }))
    expect(problem(await ann.remove(id))).toEqual({ status: 409, code: 'CharacterInWorld' })
    await write(id, ({ layer: _, ...record }) => ({ ...record, kind: 'released' }))
    expect((await ann.remove(id)).status).toBe(204)
  })

  test("another's character is neither shown nor deleted", async () => {
    const [ann, bob] = [await player(), await player()]
    const id = idOf(await ann.make('Haldir'))
    expect(problem(await bob.get(id))).toEqual({ status: 403, code: 'CharacterNotYours' })
    expect(problem(await bob.remove(id))).toEqual({ status: 403, code: 'CharacterNotYours' })
    expect(problem(await bob.get('nobody'))).toEqual({ status: 404, code: 'CharacterUnknown' })
    expect(problem(await bob.get('a%2Fb'))).toEqual({ status: 400, code: 'InvalidInput' })
  })

  test.each([
    ['GET', '/v1/characters'],
    ['POST', '/v1/characters'],
    ['GET', '/v1/characters/x'],
    ['DELETE', '/v1/characters/x'],
  ])('%s %s needs a token', async (method, path) => {
    expect(problem(await served.ask(method, path, undefined))).toEqual({ status: 401, code: 'Unauthenticated' })
    expect(problem(await served.ask(method, path, undefined, 'eyJhbGciOiJub25lIn0.e30.'))).toEqual({ status: 401, code: 'Unauthenticated' })
  })
})

describe('a death between any two inserts', () => {
  /** Dies before the given insert, and from then on does nothing. */
  const dyingAt = (insert: number): Store => {
    let inserts = 0
    return {
      ...store,
      async append(chain, n, nonce, record) {
        if (++inserts >= insert) throw new Error('killed')
        return store.append(chain, n, nonce, record)
      },
    }
  }

  test.each([1, 2, 3, 4, 5])('of a making, before insert %i: made or not, but nothing is held by nobody', async (insert) => {
    const at = await appOver(dyingAt(insert))
    const account = `maker${insert}`
    const answer = await (await player(at, account)).make(`Isildur${insert}`)
    await at.close()
    expect(answer.status).toBe(insert === 5 ? 201 : 500)
    const ann = await player(served, account)
    const names = namesOf(await ann.list())
    const bob = await player()
    expect((await bob.make(`Isildur${insert}`)).status).toBe(names.length === 1 ? 409 : 201)
    expect(names).toEqual(insert === 1 ? [] : [`Isildur${insert}`])
    for (let i = names.length; i < 8; i++) expect((await ann.make(`Is${insert}x${i}`)).status).toBe(201)
  })

  test('of a making whose name another took meanwhile: the slot is free again', async () => {
    const at = await appOver(dyingAt(2))
    await (await player(at, 'late')).make('Elendil')
    await at.close()
    expect((await (await player()).make('Elendil')).status).toBe(201)
    const late = await player(served, 'late')
    expect(namesOf(await late.list())).toEqual([])
    for (let i = 0; i < 8; i++) expect((await late.make(`Late${i}`)).status).toBe(201)
  })

  test.each([1, 2, 3, 4])('of a deletion, before insert %i: deleted or not, and the name goes with it', async (insert) => {
    const account = `deleter${insert}`
    const ann = await player(served, account)
    const id = idOf(await ann.make(`Sauron${insert}`))
    const at = await appOver(dyingAt(insert))
    const answer = await (await player(at, account)).remove(id)
    await at.close()
    expect(answer.status).toBe(insert === 4 ? 204 : 500)
    const names = namesOf(await ann.list())
    expect(names).toEqual(insert === 1 ? [`Sauron${insert}`] : [])
    expect((await (await player()).make(`Sauron${insert}`)).status).toBe(insert === 1 ? 409 : 201)
  })
})

test('making, listing and deleting one name at once from many sides leaves one holder or none', async () => {
  const players = await Promise.all(Array.from({ length: 3 }, () => player()))
  await Promise.all(
    players.map(async (one) => {
      for (let turn = 0; turn < 4; turn++) {
        const made = await one.make('Saruman')
        await Promise.all([one.list(), one.list()])
        if (made.status === 201) await Promise.all([one.remove(idOf(made)), one.list(), one.list()])
      }
    }),
  )
  expect((await Promise.all(players.map((one) => one.list()))).flatMap(namesOf)).toEqual([])
  expect((await (await player()).make('Saruman')).status).toBe(201)
})

test('a thousand random bodies: no 5xx, always a problem with a code, no token in the log', async () => {
  const ann = await player()
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: fc.jsonValue() }),
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.record({ name: fc.string() }),
  )
  const check = async (bodies: readonly unknown[]) => {
    // Else the limit of the rate would answer instead of what is tested; the token lives on.
    clock.advance(1_000)
    for (const answer of await Promise.all(bodies.map((random) => served.ask('POST', '/v1/characters', random, ann.accessToken)))) {
      expect(answer.status === 201 || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)).toBe(true)
      if (answer.status === 201) continue
      expect(answer).toMatchObject({ type: expect.stringContaining('application/problem+json'), body: { code: expect.any(String) } })
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(body, { minLength: 50, maxLength: 50 }), check), { numRuns: 20 })
  expect(lines.join('')).not.toContain('eyJ')
}, 240_000)
