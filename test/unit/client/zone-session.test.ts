import { describe, expect, it, onTestFinished } from 'vitest'
import type { JoinAnswer } from '../../../client/answers.ts'
import type { Client, SessionStatus, ZoneHandlers } from '../../../client/index.ts'
import { tcpConnect } from '../../../client/tcp.ts'
import { ZoneSession } from '../../../client/zone-session.ts'
import { systemClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import { encodeServerMessage, INPUT_BURST } from '../../../core/protocol/frame.ts'
import { zoneSettings } from './doubles/index-host.ts'
import { fleet, meadow, startWorld } from './doubles/world.ts'

interface Heard {
  readonly said: string[]
  readonly told: string[]
  readonly statuses: SessionStatus[]
  readonly refused: string[]
  readonly redirects: string[]
}

function play(client: Client, character: string, handlers: ZoneHandlers = {}): { readonly session: ZoneSession; readonly heard: Heard } {
  const heard: Heard = { said: [], told: [], statuses: [], refused: [], redirects: [] }
  const session = client.joinZone(meadow, character, {
    said: (from, text) => heard.said.push(`${from}: ${text}`),
    told: (from, text) => heard.told.push(`${from}: ${text}`),
    refused: (error, sequence) => heard.refused.push(`${error.code} ${sequence}`),
    redirect: (reason) => heard.redirects.push(reason),
    status: (status) => heard.statuses.push(status),
    ...handlers,
  })
  onTestFinished(async () => {
    await session.close()
  })
  return { session, heard }
}

const states = (heard: Heard): readonly string[] => heard.statuses.map((status) => status.state)

describe('a stay in a zone', () => {
  it('two players see each other, talk and leave', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const ada = play(await world.client('ada'), 'Ada')
    expect(await ada.session.ready()).toMatchObject({ layer: 'game/meadow/0', epoch: 1, name: 'Ada' })
    const ben = play(await world.client('ben'), 'Ben')
    await ben.session.ready()
    await expect.poll(() => [...ada.session.view.entities.values()].map((entity) => entity.name)).toEqual(['Ada', 'Ben'])
    await expect.poll(() => ada.session.view.tick).toBeGreaterThan(100)
    ada.session.say('hello')
    await expect.poll(() => ben.heard.said).toEqual(['Ada: hello'])
    expect(await ada.session.tell('Ben', 'psst')).toBe('delivered')
    await expect.poll(() => ben.heard.told).toEqual(['Ada: psst'])
    expect(await ada.session.tell('Nobody', 'psst')).toBe('unknown')
    ada.session.pickUp(99)
    await expect.poll(() => ada.heard.refused).toEqual(['ItemUnknown 4'])
    expect(await ada.session.leave()).toEqual({ reason: 'left' })
    expect(world.characters.get('Ada')?.applied.map(({ body }) => body.case)).toEqual(['say', 'tell', 'tell', 'pickUp', 'leave'])
    expect(states(ada.heard)).toEqual(['joining', 'playing', 'ended'])
    expect(() => ada.session.say('too late')).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
    await expect.poll(() => host.zone.players.map((player) => player.character.name)).toEqual(['Ben'])
  })

  it('a killed connection is replaced, and what was not applied is sent again: once each and in order', async () => {
    const world = await startWorld()
    let deaf = false
    const host = await world.startHost('host-1', { applies: () => !deaf })
    const { session, heard } = play(await world.client('ada'), 'Ada')
    await session.ready()
    session.say('1')
    session.say('2')
    await expect.poll(() => session.unacknowledged).toBe(0)
    deaf = true
    session.say('3')
    session.move(1_000, 0)
    await expect.poll(() => session.unacknowledged).toBe(2)
    host.zone.cutAll()
    deaf = false
    // Into the connection that is gone, which the client does not know yet.
    session.say('4')
    await expect.poll(() => world.characters.get('Ada')?.applied.length).toBe(5)
    expect(
      world.characters.get('Ada')?.applied.map(({ sequence, body }) => [sequence, body.case === 'say' ? body.value.text : body.case]),
    ).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
      [4, 'move'],
      [5, '4'],
    ])
    await expect.poll(() => session.unacknowledged).toBe(0)
    expect(host.zone.hellos.length).toBe(2)
    expect(new Set(host.zone.hellos.map((hello) => hello.ticket)).size).toBe(2)
    expect(states(heard)).toEqual(['joining', 'playing', 'waiting', 'joining', 'playing'])
  })

  it('more inputs at once than a host takes all arrive, in order', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    const { session } = play(await world.client('ada'), 'Ada')
    await session.ready()
    const texts = Array.from({ length: INPUT_BURST + 10 }, (_, k) => String(k))
    for (const text of texts) session.say(text)
    await expect.poll(() => session.unacknowledged).toBe(0)
    expect(world.characters.get('Ada')?.applied.map(({ body }) => (body.case === 'say' ? body.value.text : body.case))).toEqual(texts)
  })

  it('a killed host is replaced: the client finds the next one by itself, in a higher epoch', async () => {
    const world = await startWorld({ hostsDie: true })
    const first = await world.startHost('host-1')
    const { session } = play(await world.client('ada'), 'Ada')
    await session.ready()
    await first.die()
    await world.startHost('host-2')
    await expect.poll(() => session.playing && session.view.welcome?.epoch).toBe(2)
    session.say('back')
    await expect.poll(() => world.characters.get('Ada')?.applied.length).toBe(1)
  })

  it('drops frames of a lower epoch or tick', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const ticks: number[] = []
    const { session } = play(await world.client('ada'), 'Ada', { state: (frame) => ticks.push(frame.tick) })
    await session.ready()
    await expect.poll(() => ticks.length).toBeGreaterThan(2)
    const [player] = host.zone.players
    if (player === undefined) throw new Error('nobody is in')
    player.sendFrame(host.zone.stateFrame(player, 1, 3))
    player.sendFrame(host.zone.stateFrame(player, 0, 1_000_000))
    const seen = ticks.length
    await expect.poll(() => ticks.length).toBeGreaterThan(seen + 2)
    expect(ticks).toEqual([...ticks].sort((a, b) => a - b))
    expect(ticks.filter((tick) => tick === 3 || tick === 1_000_000)).toEqual([])
  })

  it('a redirect leads through the allocator to the new place', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const { session, heard } = play(await world.client('ada'), 'Ada')
    await session.ready()
    await world.index.requestClose(fleet, 'game/meadow/0', 'Drain')
    await expect.poll(() => host.index.served.size).toBe(0)
    for (const player of [...host.zone.players]) {
      player.send({ case: 'redirect', value: { reason: 'Drain', retryAfterMs: 10 } })
      player.cut()
    }
    await expect.poll(() => session.playing && session.view.welcome?.epoch).toBe(2)
    expect(heard.redirects).toEqual(['Drain'])
  })

  it('comes back when it was too slow for its host', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const { session, heard } = play(await world.client('ada'), 'Ada')
    await session.ready()
    for (const player of [...host.zone.players]) {
      player.send({ case: 'goodbye', value: { reason: 'TooSlow' } })
      player.cut()
    }
    await expect.poll(() => states(heard)).toEqual(['joining', 'playing', 'waiting', 'joining', 'playing'])
    expect(session.playing).toBe(true)
  })

  it("ends at the host's goodbye, and at refusals that trying again can not change", async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const client = await world.client('ada')
    const ada = play(client, 'Ada')
    await ada.session.ready()
    for (const player of [...host.zone.players]) player.send({ case: 'goodbye', value: { reason: 'Replaced' } })
    expect(await ada.session.ended).toEqual({ reason: 'goodbye', said: 'Replaced' })

    const nowhere = client.joinZone('game/nowhere', 'Ada')
    await expect(nowhere.ready()).rejects.toMatchObject({ code: 'ZoneUnknown' })
    expect(await nowhere.ended).toMatchObject({ reason: 'refused', error: { code: 'ZoneUnknown' } })
    expect(() => client.joinZone('nowhere', 'Ada')).toThrow(expect.objectContaining({ code: 'InvalidInput' }))

    const ben = play(client, 'Ben')
    await ben.session.ready()
    await world.index.putZone(zoneSettings({ generation: 2, suspended: true }))
    host.zone.cutAll()
    expect(await ben.session.ended).toMatchObject({ reason: 'refused', error: { code: 'ZoneSuspended' } })
  })

  it('a character of another account is refused by the host, and the session ends with that', async () => {
    const world = await startWorld()
    await world.startHost('host-1', { redeem: async () => ({ refused: 'CharacterNotYours' }) })
    const { session } = play(await world.client('ada'), 'Ben')
    await expect(session.ready()).rejects.toMatchObject({ code: 'CharacterNotYours' })
  })

  it('a ticket that the host does not take is replaced by another', async () => {
    const world = await startWorld()
    let refusals = 2
    const { session, heard } = await (async () => {
      await world.startHost('host-1', {
        redeem: async () => (refusals-- > 0 ? { refused: 'TicketExpired' } : { character: 'Ada' }),
      })
      return play(await world.client('ada'), 'Ada')
    })()
    await session.ready()
    expect(heard.statuses.flatMap((status) => (status.state === 'waiting' ? [status.error?.code] : []))).toEqual([
      'TicketExpired',
      'TicketExpired',
    ])
  })

  it('inputs of before the first welcome wait for it', async () => {
    const world = await startWorld()
    const { session } = play(await world.client('ada'), 'Ada')
    session.say('early')
    await world.startHost('host-1')
    await session.ready()
    await expect.poll(() => world.characters.get('Ada')?.applied.map(({ body }) => body.case)).toEqual(['say'])
  })

  it('frames that can not be read end the connection, not the session', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const { session } = play(await world.client('ada'), 'Ada')
    await session.ready()
    for (const garbage of [[9, 9, 9], [], [2, 1], [1, 255, 255]]) {
      const hellos = host.zone.hellos.length
      await expect.poll(() => session.playing && host.zone.players.length === 1).toBe(true)
      host.zone.players[0]?.sendFrame(new Uint8Array(garbage))
      await expect.poll(() => host.zone.hellos.length).toBeGreaterThan(hellos)
    }
    await expect.poll(() => session.playing).toBe(true)
  })

  it('close() ends it at once, also while it tries; leave() without a connection too', async () => {
    const world = await startWorld()
    const client = await world.client('ada')
    const trying = client.joinZone(meadow, 'Ada')
    expect(await trying.close()).toEqual({ reason: 'closed' })
    await expect(trying.ready()).rejects.toMatchObject({ code: 'SessionEnded' })
    const leaving = client.joinZone(meadow, 'Ada')
    expect(await leaving.leave()).toEqual({ reason: 'left' })
    expect(await leaving.close()).toEqual({ reason: 'left' })
  })

  it('what a handler throws is reported and disturbs nothing else', async () => {
    const world = await startWorld()
    await world.startHost('host-1')
    const reported: unknown[] = []
    const report = (error: unknown): void => void reported.push(error)
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', report)
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of others) process.on('uncaughtException', listener)
    })
    const { session } = play(await world.client('ada'), 'Ada', {
      said: () => {
        throw new Error('in a handler')
      },
    })
    await session.ready()
    session.say('x')
    await expect.poll(() => reported.map(String)).toEqual(['Error: in a handler'])
    expect(session.playing).toBe(true)
  })

  it('speaks the same over plain TCP', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1', { tcp: true })
    const { session, heard } = play(await world.client('ada', { connect: tcpConnect }), 'Ada')
    await session.ready()
    session.say('over tcp')
    await expect.poll(() => heard.said).toEqual(['Ada: over tcp'])
    host.zone.cutAll()
    await expect.poll(() => host.zone.hellos.length).toBe(2)
    await expect.poll(() => session.playing).toBe(true)
    host.zone.players[0]?.send({ case: 'said', value: { from: 'Host', text: 'x'.repeat(100_000) } })
    await expect.poll(() => heard.said.at(-1)?.length).toBe('Host: '.length + 100_000)
    expect(await session.leave()).toEqual({ reason: 'left' })
  })

  it('says by the generation whom it could not reach while the layer was waking, and by the epoch once it was served', async () => {
    const place = { layer: 'game/meadow/0', endpoints: ['127.0.0.1:1'], ticket: 't', expiresInMs: 1, generation: 3 }
    const answers: JoinAnswer[] = [
      { ...place, state: 'Waking', epoch: 0 },
      { ...place, state: 'Serving', epoch: 7 },
    ]
    const asked: unknown[] = []
    const join = async (unreached: unknown): Promise<JoinAnswer> => {
      asked.push(unreached)
      const answer = answers.shift()
      if (answer === undefined) throw new BailiwickError('ZoneSuspended')
      return answer
    }
    const connect = () => Promise.reject(new BailiwickError('Unreachable'))
    const session = new ZoneSession({ join, connect, clock: systemClock, random: () => 0 }, {})
    expect(await session.ended).toMatchObject({ reason: 'refused', error: { code: 'ZoneSuspended' } })
    expect(asked).toEqual([undefined, { layer: place.layer, epoch: 0, generation: 3 }, { layer: place.layer, epoch: 7 }])
  })

  it('leaves untold whom it could not reach when an allocator of an earlier release does not understand it', async () => {
    const place = { layer: 'game/meadow/0', endpoints: ['127.0.0.1:1'], ticket: 't', expiresInMs: 1, generation: 3 } as const
    const asked: unknown[] = []
    const join = async (unreached: unknown): Promise<JoinAnswer> => {
      asked.push(unreached)
      if (unreached !== undefined) throw new BailiwickError('InvalidInput')
      if (asked.length > 1) throw new BailiwickError('ZoneSuspended')
      return { ...place, state: 'Waking', epoch: 0 }
    }
    const connect = () => Promise.reject(new BailiwickError('Unreachable'))
    const session = new ZoneSession({ join, connect, clock: systemClock, random: () => 0 }, {})
    expect(await session.ended).toMatchObject({ reason: 'refused', error: { code: 'ZoneSuspended' } })
    expect(asked).toEqual([undefined, { layer: place.layer, epoch: 0, generation: 3 }, undefined])
  })

  it('does not ask twice when the join itself is refused as invalid', async () => {
    let asked = 0
    const join = async (): Promise<JoinAnswer> => {
      asked++
      throw new BailiwickError('InvalidInput')
    }
    const connect = () => Promise.reject(new BailiwickError('Unreachable'))
    const session = new ZoneSession({ join, connect, clock: systemClock, random: () => 0 }, {})
    expect(await session.ended).toMatchObject({ reason: 'refused', error: { code: 'InvalidInput' } })
    expect(asked).toBe(1)
  })

  it('a message of a later protocol is passed over', async () => {
    const world = await startWorld()
    const host = await world.startHost('host-1')
    const { session } = play(await world.client('ada'), 'Ada')
    await session.ready()
    // Field 15 of ServerMessage, which this protocol does not have.
    host.zone.players[0]?.sendFrame(new Uint8Array([...encodeServerMessage({}), 0x7a, 0]))
    await expect(session.tell('Ada', 'still here')).resolves.toBe('delivered')
  })
})
