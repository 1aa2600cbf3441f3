import { expect, test } from 'vitest'
import { ManualClock } from '../../../core/clock.ts'
import { BailiwickError } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { LayerCrashed } from '../../../zone-server/crash.ts'
import { keepEvidence } from '../../../zone-server/evidence.ts'
import { charactersIn, evidenceReport } from '../../../zone-server/evidence-report.ts'
import { encodeBatch } from '../../../zone-server/simulation/batch.ts'

const layer = 'game/meadow/0' as const

test('what was kept of a crash is told: tick, error, code, host, and who gave which input; newest first', async () => {
  const store = await createSqliteStore({ file: ':memory:' })
  const deps = { store, clock: new ManualClock(1_700_000_000_000), log: silentLog, host: 'host-1' }
  const batch = encodeBatch([
    { source: '', sequence: 0, body: { kind: 'expel', character: 'c-ann', reason: 'Closing' } },
    { source: 'c-ann', sequence: 41, body: { kind: 'say', text: 'abracadabra' } },
  ])
  const cause = new BailiwickError('StoreCorrupt', { found: 'hash 0' })
  await keepEvidence(new LayerCrashed({ layer, tick: 7, replayed: false, batch: Uint8Array.of(9, 9) }, new Error('first')), deps)
  await keepEvidence(new LayerCrashed({ layer, tick: 900, replayed: true, batch, digest: '00112233445566aa' }, cause), deps)
  const entries = await store.read('evidence/game/meadow/0', 1, 10)
  expect(charactersIn(entries)).toEqual(['c-ann'])
  const report = evidenceReport(layer, entries, new Map([['c-ann', { name: 'Ann', account: 'a-1' }]]))
  const [newer = '', older = ''] = report.split('\n\n')
  expect(newer).toContain('game/meadow/0, crash 2, 2023-11-14T22:13:20.000Z')
  expect(newer).toContain('tick    900, confirmed before')
  expect(newer).toMatch(/error {3}.*hash 0/)
  expect(newer).toContain('host    host-1')
  expect(newer).toContain('should have had the hash 00112233445566aa')
  expect(newer).toContain('the host: expel {"character":"c-ann","reason":"Closing"}')
  expect(newer).toContain('character c-ann (Ann, account a-1), its input 41: say {"text":"abracadabra"}')
  expect(older).toContain('crash 1,')
  expect(older).toContain('tick    7, in play')
  expect(older).toContain('2 bytes that this release can not read')
  expect(evidenceReport(layer, [], new Map())).toBe('game/meadow/0: no crash is kept\n')
  await store.close()
})
