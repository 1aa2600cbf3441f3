import type { ZoneSettings } from '../core/settings.ts'

/** The settings of a small zone that is always served, as tests begin from. */
export function smallZone(change: Partial<ZoneSettings> = {}): ZoneSettings {
  return {
    zone: 'game/meadow',
    uid: 'uid-1',
    generation: 1,
    fleet: 'game/zone-servers',
    activation: 'Always',
    suspended: false,
    idleAfterMs: 60_000,
    layers: { min: 1, max: 1, maxPlayers: 100 },
    // Small, so that what lies around is within reach.
    bounds: { min: { x: 0, y: 0 }, max: { x: 4, y: 4 } },
    tickRateHz: 20,
    snapshotEveryMs: 1_000,
    ...change,
  }
}
