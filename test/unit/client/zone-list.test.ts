import { describe, expect, it } from 'vitest'
import { createClient } from '../../../client/index.ts'
import { memorySessionStore } from '../../../client/sessions.ts'
import { allocatorStage } from '../allocator/stage.ts'
import { meadow, zoneSettings } from './doubles/index-host.ts'

async function stageAndClient() {
  const stage = await allocatorStage()
  const session = {
    account: { id: 'account-1', name: 'Ada' },
    accessToken: await stage.token(),
    refreshToken: 'r',
    expiresAt: Date.now() + 500_000,
  }
  const client = createClient({
    authUrl: stage.url,
    charactersUrl: stage.url,
    allocatorUrl: stage.url,
    sessions: memorySessionStore(session),
  })
  return { stage, client }
}

describe('zones as a client sees them', () => {
  it('are listed page after page, and filtered', async () => {
    const { stage, client } = await stageAndClient()
    for (let at = 0; at < 1_005; at++) await stage.index.putZone(zoneSettings({ zone: `game/zone-${at}`, uid: `${at}` }))
    await stage.index.putZone(zoneSettings({ zone: 'test/zone', uid: 'u' }))
    await expect.poll(async () => (await client.zones.list()).length).toBe(1_006)
    expect(await client.zones.list({ namespace: 'test' })).toMatchObject([{ namespace: 'test', name: 'zone', state: 'Asleep' }])
    expect(await client.zones.list({ players: true })).toEqual([])
  })

  it('are waited for until they change', async () => {
    const { stage, client } = await stageAndClient()
    await stage.index.putZone(zoneSettings())
    await expect.poll(async () => (await client.zones.list()).length).toBe(1)
    const known = await client.zones.resolve(meadow)
    const changed = client.zones.changed(known)
    await stage.index.putZone(zoneSettings({ generation: 2, suspended: true }))
    expect(await changed).toMatchObject({ state: 'Suspended' })
  })

  it('a character is found', async () => {
    const { stage, client } = await stageAndClient()
    await stage.index.setLocation('ada', 1, { state: 'InZone', zone: meadow, layer: `${meadow}/0`, account: 'account-1' })
    expect(await client.locate('ada')).toMatchObject({
      age: expect.any(Number),
      state: 'InZone',
      zone: meadow,
      layer: `${meadow}/0`,
      since: expect.any(Number),
    })
    await expect(client.locate('bob')).rejects.toMatchObject({ code: 'CharacterUnknown' })
  })
})
