import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chains } from '../../../core/chains.ts'
import { storedLayerRecord } from '../../../core/layer-record.ts'
import { GRACE, idOf, NAMES, namesOf, problem, Stage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await Stage.open()
})
afterAll(() => stage.close())

describe('characters', () => {
  test('made, listed, read', async () => {
    const ann = await stage.player()
    const made = await ann.make('Aragorn')
    const character = {
      id: expect.stringMatching(/^[\w-]{22}$/),
      name: 'Aragorn',
      version: 2,
      zone: null,
      position: null,
      stats: { health: 100, energy: 100 },
      inventory: [],
      resident: false,
      ageMs: 0,
      location: { state: 'Offline' },
      deletesAt: null,
      createdAt: '2026-01-02T03:04:05.678Z',
    }
    expect(made).toMatchObject({ status: 201, body: { character } })
    expect(made.headers.get('etag')).toBe('"2"')
    await ann.make('Arwen')
    expect(namesOf(await ann.list())).toEqual(['Aragorn', 'Arwen'])
    const read = await ann.get(idOf(made))
    expect(read.body).toEqual({ character })
    expect(read.headers.get('etag')).toBe('"2"')
    expect((await (await stage.player()).list()).body).toEqual({ characters: [] })
  })

  test('positions are in metres; a resident is shown where it is, with its last stored state and how old that is', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Boromir'))
    const state = {
      zone: 'game/meadow',
      position: { x: 1_500, y: -20 },
      inventory: [{ id: 'i1', kind: 'sword' }],
      inputSequence: 7,
      stats: { health: 3, energy: 50 },
    } as const
    const at = stage.clock.now() - 90_000
    await stage.write(id, (record) => ({ ...record, at, state }))
    const stored = {
      zone: 'game/meadow',
      position: { x: 1.5, y: -0.02 },
      inventory: [{ id: 'i1', kind: 'sword' }],
      stats: { health: 3, energy: 50 },
      ageMs: 90_000,
    }
    expect((await ann.get(id)).body).toMatchObject({ character: { ...stored, resident: false, location: { state: 'Offline' } } })
    await stage.write(id, (record) => ({ ...record, kind: 'held', layer: 'game/forest/0' }))
    const held = { state: 'InZone', zone: 'game/forest', layer: 'game/forest/0' } as const
    expect((await ann.get(id)).body).toMatchObject({ character: { ...stored, resident: true, location: held } })
    stage.locations.set(id, { ...held, layer: 'game/forest/1', since: 5, account: 'not shown' })
    const live = await ann.get(id)
    expect(live.body).toMatchObject({ character: { location: { layer: 'game/forest/1', since: 5 } } })
    expect(JSON.stringify(live.body)).not.toContain('not shown')
    stage.indexAway = true
    expect((await ann.list()).body).toMatchObject({ characters: [{ location: held }] })
    stage.indexAway = false
    await stage.write(id, ({ at: _, ...record }) => record)
    expect((await ann.get(id)).body).toMatchObject({ character: { ageMs: null } })
  })

  test('pages: every character once, in order, also when one goes and one comes in between', async () => {
    const ann = await stage.player()
    const ids: string[] = []
    for (const name of ['Paa', 'Pbb', 'Pcc', 'Pdd', 'Pee']) ids.push(idOf(await ann.make(name)))
    const first = await ann.list('?limit=2')
    expect(namesOf(first)).toEqual(['Paa', 'Pbb'])
    await ann.remove(ids[1] ?? '')
    stage.clock.advance(GRACE)
    await ann.make('Pff')
    const second = await ann.list(`?limit=2&cursor=${String(first.body['next'])}`)
    expect(namesOf(second)).toEqual(['Pcc', 'Pdd'])
    const third = await ann.list(`?limit=2&cursor=${String(second.body['next'])}`)
    expect(namesOf(third)).toEqual(['Pee', 'Pff'])
    expect(third.body['next']).toBeUndefined()
    expect(namesOf(await ann.list('?limit=5'))).toEqual(['Paa', 'Pcc', 'Pdd', 'Pee', 'Pff'])
  })

  test.each(['limit=0', 'limit=101', 'limit=x', 'cursor=', 'cursor=!', 'cursor=after', 'cursor=after-001', 'other=1', 'limit[$gt]=1'])(
    'the list refuses %s',
    async (query) => {
      expect(problem(await (await stage.player()).list(`?${query}`))).toEqual({ status: 400, code: 'InvalidInput' })
    },
  )

  test('a name is one character’s, in every writing, also within an account', async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    await ann.make('Celeborn')
    expect(problem(await bob.make('ＣＥＬＥborn'))).toEqual({ status: 409, code: 'NameTaken' })
    expect(problem(await ann.make('celeborn'))).toEqual({ status: 409, code: 'NameTaken' })
    expect(problem(await bob.make('Сeleborn'))).toMatchObject({ status: 409 })
    expect(problem(await bob.make('moderator'))).toEqual({ status: 409, code: 'NameRefused' })
    expect(namesOf(await bob.list())).toEqual([])
  })

  test('of 12 accounts that want one name at once one gets it, and nobody loses a slot', async () => {
    const players = await Promise.all(Array.from({ length: 12 }, () => stage.player()))
    const answers = await Promise.all(players.map((one) => one.make('Denethor')))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body['code'] === 'NameTaken')).toHaveLength(11)
    const lists = await Promise.all(players.map((one) => one.list()))
    expect(lists.flatMap(namesOf)).toEqual(['Denethor'])
  })

  test('eight at most, also when twelve are asked for at once', async () => {
    const ann = await stage.player()
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ann.make(`Ent${i}x`)))
    expect(answers.filter((answer) => answer.status === 201).length).toBeLessThanOrEqual(8)
    for (const answer of answers) expect([undefined, 'TooManyCharacters', 'Busy']).toContain(answer.body['code'])
    for (let i = 12; namesOf(await ann.list()).length < 8; i++) await ann.make(`Ent${i}x`)
    expect(problem(await ann.make('Treebeard'))).toEqual({ status: 409, code: 'TooManyCharacters' })
  })

  test("another's character is neither shown nor changed", async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    const id = idOf(await ann.make('Haldir'))
    for (const answer of [await bob.get(id), await bob.remove(id), await bob.rename(id, 'Mine'), await bob.restore(id)]) {
      expect(problem(answer)).toEqual({ status: 403, code: 'CharacterNotYours' })
    }
    for (const answer of [
      await bob.get('nobody'),
      await bob.remove('nobody'),
      await bob.rename('nobody', 'Mine'),
      await bob.restore('nobody'),
    ]) {
      expect(problem(answer)).toEqual({ status: 404, code: 'CharacterUnknown' })
    }
    expect((await ann.get(id)).body).toMatchObject({ character: { name: 'Haldir', deletesAt: null } })
  })

  test.each([
    ['GET', ''],
    ['POST', ''],
    ['GET', '/x'],
    ['PATCH', '/x'],
    ['DELETE', '/x'],
    ['POST', '/x/restore'],
  ])('%s %s needs a token', async (method, path) => {
    const ask = (token?: string) => stage.served.ask(method, `/v1/characters${path}`, undefined, token)
    expect(problem(await ask())).toEqual({ status: 401, code: 'Unauthenticated' })
    expect(problem(await ask('eyJhbGciOiJub25lIn0.e30.'))).toEqual({ status: 401, code: 'Unauthenticated' })
  })
})

describe('renaming', () => {
  test('so many names in a day: then it says when the next can be had', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Changer'))
    for (let i = 1; i < NAMES; i++) expect((await ann.rename(id, `Changer_${i}`)).status).toBe(200)
    for (const answer of [await ann.rename(id, 'Changing'), await ann.make('Changing')]) {
      expect(problem(answer)).toEqual({ status: 429, code: 'TooManyRequests' })
      expect(answer.headers.get('retry-after')).toBe(String(86_400 / NAMES))
    }
    stage.clock.advance(86_400_000 / NAMES)
    expect((await ann.rename(id, 'Changing')).status).toBe(200)
    expect((await ann.rename(id, 'Changes')).status).toBe(429)
  })

  test('takes the new name and frees the old one', async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    const made = await ann.make('Strider')
    const renamed = await ann.rename(idOf(made), 'Elessar', made.headers.get('etag') ?? '')
    expect(renamed).toMatchObject({ status: 200, body: { character: { id: idOf(made), name: 'Elessar', version: 4 } } })
    expect(renamed.headers.get('etag')).toBe('"4"')
    expect(namesOf(await ann.list())).toEqual(['Elessar'])
    expect((await bob.make('Strider')).status).toBe(201)
    expect(problem(await bob.make('ELESSAR'))).toEqual({ status: 409, code: 'NameTaken' })
  })

  test('a taken name is refused and nothing changes; another writing of the own name is not', async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    const id = idOf(await ann.make('Smeagol'))
    await bob.make('Gollum')
    expect(problem(await ann.rename(id, 'gollum'))).toEqual({ status: 409, code: 'NameTaken' })
    expect((await ann.get(id)).body).toMatchObject({ character: { name: 'Smeagol', version: 2 } })
    expect((await ann.rename(id, 'SMEAGOL')).body).toMatchObject({ character: { name: 'SMEAGOL' } })
    expect(problem(await bob.make('smeagol'))).toEqual({ status: 409, code: 'NameTaken' })
    expect((await ann.rename(id, 'SMEAGOL')).body).toMatchObject({ character: { version: 4 } })
  })

  test('needs a version, and the right one', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Radagast'))
    expect(problem(await ann.ask('PATCH', `/${id}`, { name: 'Rada' }))).toEqual({ status: 428, code: 'PreconditionRequired' })
    expect(problem(await ann.rename(id, 'Rada', '"1"'))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(problem(await ann.rename(id, 'Rada', 'W/"2"'))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(problem(await ann.rename(id, 'Rada', '2'))).toEqual({ status: 400, code: 'InvalidInput' })
    expect((await ann.rename(id, 'Rada', '"1", "2"')).status).toBe(200)
  })

  test('of two at once with one version one wins', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Thrain'))
    const answers = await Promise.all(['Thraina', 'Thrainb', 'Thrainc'].map((name) => ann.rename(id, name, '"2"')))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(2)
    const winner = answers.find(({ status }) => status === 200)
    expect((await ann.get(id)).body).toEqual(winner?.body)
    for (const name of ['Thraina', 'Thrainb', 'Thrainc']) {
      const taken = namesOf(await ann.list()).includes(name)
      expect((await (await stage.player()).make(name)).status).toBe(taken ? 409 : 201)
    }
  })

  test('not while it is in a zone, nor while it is to be deleted', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Nori'))
    await stage.write(id, (record) => ({ ...record, kind: 'held', layer: 'game/forest/0' }))
    expect(problem(await ann.rename(id, 'Noris'))).toEqual({ status: 409, code: 'CharacterInWorld' })
    await stage.write(id, ({ layer: _, ...record }) => ({ ...record, kind: 'released' }))
    await ann.remove(id)
    expect(problem(await ann.rename(id, 'Noris'))).toEqual({ status: 409, code: 'CharacterDeleting' })
  })

  test('swapping names through a third, many at once, leaves each name with one', async () => {
    const players = await Promise.all(Array.from({ length: 4 }, () => stage.player()))
    const ids = await Promise.all(players.map(async (one, i) => idOf(await one.make(`Swap${i}x`))))
    const wanted = Array.from({ length: 5 }, (_, i) => `Swap${i}x`)
    await Promise.all(
      players.map(async (one, i) => {
        for (let turn = 1; turn <= 6; turn++) await one.rename(ids[i] ?? '', wanted[(i + turn) % 5] ?? '')
      }),
    )
    const names = (await Promise.all(players.map((one) => one.list()))).flatMap(namesOf)
    expect(new Set(names).size).toBe(4)
    const free = wanted.filter((name) => !names.includes(name))
    expect(free).toHaveLength(1)
    expect((await (await stage.player()).make(free[0])).status).toBe(201)
    expect(problem(await (await stage.player()).make(names[0]))).toEqual({ status: 409, code: 'NameTaken' })
  })
})

describe('deleting', () => {
  test('has a grace, in which it keeps name and slot and can be restored', async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    const id = idOf(await ann.make('Faramir'))
    const deletesAt = new Date(stage.clock.now() + GRACE).toISOString()
    const removed = await ann.remove(id, '"2"')
    expect(removed).toMatchObject({ status: 202, body: { character: { id, version: 3, deletesAt } } })
    stage.clock.advance(GRACE - 1)
    expect((await ann.remove(id)).body).toMatchObject({ character: { version: 3, deletesAt } })
    expect(problem(await bob.make('Faramir'))).toEqual({ status: 409, code: 'NameTaken' })
    expect(namesOf(await ann.list())).toEqual(['Faramir'])
    expect((await ann.restore(id)).body).toMatchObject({ character: { version: 4, deletesAt: null } })
    expect((await ann.restore(id)).body).toMatchObject({ character: { version: 4 } })
    await ann.remove(id)
    stage.clock.advance(GRACE)
    expect(problem(await ann.restore(id))).toEqual({ status: 404, code: 'CharacterUnknown' })
    expect(problem(await ann.get(id))).toEqual({ status: 404, code: 'CharacterUnknown' })
    expect(namesOf(await ann.list())).toEqual([])
    expect((await bob.make('Faramir')).status).toBe(201)
  })

  test('is ended by the sweep, and leaves a record that says nothing of anybody', async () => {
    const [ann, bob] = [await stage.player(), await stage.player()]
    const id = idOf(await ann.make('Grima'))
    await ann.remove(id)
    await stage.sweep()
    expect(namesOf(await ann.list())).toEqual(['Grima'])
    stage.clock.advance(GRACE)
    await stage.sweep()
    const records = await stage.store.read(`character/${id}`, 1, 100)
    expect(records.map(({ kind, data }) => [kind, data])).toEqual([['deleted', { v: 2 }]])
    expect(await stage.store.head(`account-characters/${ann.account}`)).toMatchObject({ data: { slots: [] } })
    expect((await bob.make('Grima')).status).toBe(201)
  })

  test('needs a version, and the right one', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Bombur'))
    expect(problem(await ann.ask('DELETE', `/${id}`))).toEqual({ status: 428, code: 'PreconditionRequired' })
    expect(problem(await ann.remove(id, '"7"'))).toEqual({ status: 412, code: 'PreconditionFailed' })
    expect(problem(await ann.restore(id, { 'if-match': '"7"' }))).toEqual({ status: 412, code: 'PreconditionFailed' })
  })

  test('not while it is in a zone', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Gimli'))
    await stage.write(id, (record) => ({ ...record, kind: 'held', layer: 'game/forest/0' }))
    expect(problem(await ann.remove(id))).toEqual({ status: 409, code: 'CharacterInWorld' })
    await stage.write(id, ({ layer: _, ...record }) => ({ ...record, kind: 'released' }))
    expect((await ann.remove(id)).status).toBe(202)
  })

  test('one that is held by a layer whose data was erased is free, with what it carries gone', async () => {
    const ann = await stage.player()
    const id = idOf(await ann.make('Oinoi'))
    const inventory = [{ id: 'i', kind: 'sword' }]
    await stage.write(id, (record) => ({ ...record, kind: 'held', layer: 'game/gone/0', epoch: 1, state: { ...record.state, inventory } }))
    const layer = chains.layer('game/gone/0')
    const open = { kind: 'open', host: 'h', generation: 1, code: 'c', content: '', lastSnapshot: 0 } as const
    await stage.store.append(layer, 1, 'open', storedLayerRecord({ ...open, erasedAt: 0 }))
    expect(problem(await ann.remove(id))).toEqual({ status: 409, code: 'CharacterInWorld' })
    await stage.store.append(layer, 2, 'erased', storedLayerRecord({ kind: 'erased', lastSnapshot: 0 }))
    await stage.store.append(layer, 3, 'open', storedLayerRecord({ ...open, erasedAt: 2 }))
    expect((await ann.rename(id, 'Oinoix')).body).toMatchObject({
      character: { name: 'Oinoix', resident: false, zone: 'game/gone', inventory: [] },
    })
    expect((await ann.remove(id)).status).toBe(202)
  })

  test('making, listing, renaming and deleting one name at once from many sides leaves one holder or none', async () => {
    const players = await Promise.all(Array.from({ length: 3 }, () => stage.player()))
    await Promise.all(
      players.map(async (one) => {
        for (let turn = 0; turn < 4; turn++) {
          const made = await one.make(turn % 2 === 0 ? 'Saruman' : `Other${one.account}`)
          if (made.status !== 201) continue
          await Promise.all([one.list(), one.rename(idOf(made), 'Saruman'), one.list()])
          await Promise.all([one.remove(idOf(made)), one.list()])
          stage.clock.advance(GRACE)
        }
      }),
    )
    stage.clock.advance(GRACE)
    expect((await Promise.all(players.map((one) => one.list()))).flatMap(namesOf)).toEqual([])
    expect((await (await stage.player()).make('Saruman')).status).toBe(201)
  })
})
