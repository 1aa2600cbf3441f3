import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UNFINISHED_AFTER } from '../../../core/timing.ts'
import { dyingAt, GRACE, idOf, namesOf, Stage } from '../../unit/characters/stage.ts'

let stage: Stage
let runs = 0
beforeAll(async () => {
  stage = await Stage.open()
})
afterAll(() => stage.close())

type Player = Awaited<ReturnType<Stage['player']>>

/** What is done with a character of that name by a service that dies on the way, and what names it may have afterwards. */
interface Case {
  readonly what: string
  /** What is there before; answers the id. */
  readonly before: (ann: Player, name: string) => Promise<string>
  readonly during: (ann: Player, id: string, name: string) => Promise<{ readonly status: number }>
  /** Time passes by before the service that dies is asked, and before the sweep. */
  readonly passesMs?: number
  readonly names: (name: string) => readonly (readonly string[])[]
}

const make = async (ann: Player, name: string) => idOf(await ann.make(name))
const makeAndRemove = async (ann: Player, name: string) => {
  const id = await make(ann, name)
  await ann.remove(id)
  return id
}
const cases: readonly Case[] = [
  { what: 'a making', before: async () => '', during: (ann, _, name) => ann.make(name), names: (name) => [[], [name]] },
  {
    what: 'a making with a key',
    before: async () => '',
    during: (ann, _, name) => ann.make(name, 'key'),
    names: (name) => [[], [name]],
  },
  { what: 'a renaming', before: make, during: (ann, id, name) => ann.rename(id, `${name}New`), names: (name) => [[name], [`${name}New`]] },
  { what: 'a deletion', before: make, during: (ann, id) => ann.remove(id), names: (name) => [[name]] },
  { what: 'the end of a deletion', before: makeAndRemove, passesMs: GRACE, during: (ann) => ann.list(), names: () => [[]] },
  {
    what: 'a restoring',
    before: makeAndRemove,
    during: (ann, id) => ann.restore(id, { 'idempotency-key': 'k' }),
    names: (name) => [[name]],
  },
]

describe.each(cases)('a death before any write of $what', { timeout: 120_000 }, ({ before, during, names, passesMs = 0 }) => {
  test('leaves what was or what was to be, no name held by nobody, and what the sweep can end', async () => {
    let died = true
    for (let write = 1; died; write++) {
      const run = ++runs
      const name = `Run${run}of`
      const account = `dead${run}`
      const ann = await stage.player(stage.served, account)
      const id = await before(ann, name)
      stage.clock.advance(passesMs)
      const store = dyingAt(stage.store, write)
      const at = await stage.serve(store)
      const { status } = await during(await stage.player(at, account), id, name)
      await at.close()
      died = store.dead()
      expect(status < 300, `write ${write}`).toBe(!died)
      await eitherIsIn(run, name, write)
      expect(write).toBeLessThan(40)
    }

    /** For players at once, or after the sweep: by turns, for looking at it ends it as well. */
    async function eitherIsIn(run: number, name: string, write: number): Promise<void> {
      if (run % 2 === 0) {
        stage.clock.advance(UNFINISHED_AFTER)
        await stage.sweep()
      }
      const ann = await stage.player(stage.served, `dead${run}`)
      const kept = namesOf(await ann.list())
      expect(names(name), `write ${write}`).toContainEqual(kept)
      for (const each of [name, `${name}New`]) {
        const bob = await stage.player()
        expect((await bob.make(each)).status, `write ${write}, ${each}`).toBe(kept.includes(each) ? 409 : 201)
      }
      for (let i = kept.length; i < 8; i++) expect((await ann.make(`Run${run}n${i}x`)).status, `write ${write}`).toBe(201)
      stage.clock.advance(UNFINISHED_AFTER)
      await stage.sweep()
      expect(await stage.store.due('character', stage.clock.now(), 10), `write ${write}`).toEqual([])
    }
  })
})

test('a making with a key that died is ended by its repetition, with the same character', async () => {
  for (let write = 1, died = true; died; write++) {
    const account = `again${write}`
    const store = dyingAt(stage.store, write)
    const at = await stage.serve(store)
    await (await stage.player(at, account)).make(`Again${write}x`, 'one-key')
    await at.close()
    died = store.dead()
    stage.clock.advance(UNFINISHED_AFTER)
    const ann = await stage.player(stage.served, account)
    const answer = await ann.make(`Again${write}x`, 'one-key')
    expect(answer.status, `write ${write}`).toBe(201)
    expect(namesOf(await ann.list())).toEqual([`Again${write}x`])
    expect(idOf(await ann.make(`Again${write}x`, 'one-key'))).toBe(idOf(answer))
  }
}, 120_000)
