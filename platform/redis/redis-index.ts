import type { FleetId, LayerId } from '../../core/ids.ts'
import { ACCOUNT_BARS_MAX, defaultIndexRules, type IndexRules } from '../../core/index-rules.ts'
import type { CharacterLocation, FleetChange, FleetCounts, LayerReport, RedeemAnswer, ZoneIndex } from '../../core/ports/index-port.ts'
import type { Log } from '../../core/ports/log-port.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { readAccountBars, readFleetView, readHeartbeat, readJoin, readJson, readLayerView, readPlacement } from './answers.ts'
import { type Client, createConnection } from './connection.ts'
import { createJournal } from './journal.ts'
import { accountKeys, fleetChanges, fleetKeys, locationKey, zoneChanges, zoneContents, zoneKeys, zoneSettings } from './keys.ts'
import { ensureLibrary, isFunctionMissing, readLibrary } from './library.ts'
import { readFleetNews, readZoneNews } from './news.ts'
import { checkServer, checkWritable } from './server-check.ts'
import { type Entry, watchStream } from './watch.ts'

export interface RedisIndexDeps {
  /** redis://… or rediss://…, with its credentials. */
  readonly url: string
  readonly log: Log
  readonly timing?: Partial<IndexRules>
  /** How long a call waits for its answer, ms. Default: INDEX_CALL_DEADLINE, with which all other timing goes; more is for whoever would rather wait than hear that it did not come, as a suite on a busy machine. */
  readonly callDeadline?: number
}

/**
 * The zone index in Redis 7.0 or newer. Connects by itself, and again for ever, until `close`; every method throws IndexUnavailable while that lasts.
 * Every change is one call of the function library (library/*.lua), which is loaded when it is missing or older. Throws ConfigInvalid for a URL that is none.
 */
export function createRedisIndex({ url, log, timing, callDeadline }: RedisIndexDeps): ZoneIndex {
  const rules: IndexRules = { ...defaultIndexRules, ...timing }
  const rulesText = JSON.stringify(rules)
  const library = readLibrary()
  const closing = new AbortController()
  let checked = false
  const connection = createConnection({
    url,
    log,
    callDeadline,
    prepare: async (client) => {
      await checkWritable(client)
      await ensureLibrary(client, library)
      if (!checked) await checkServer(client, log)
      checked = true
    },
  })

  /** What calls the library. A flush of the functions or a fail-over to a server without them shows here first. */
  function call<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return connection.call(async (client) => {
      try {
        return await work(client)
      } catch (error) {
        if (!isFunctionMissing(error)) throw error
        await ensureLibrary(client, library)
        return work(client)
      }
    })
  }
  const run = (name: string, keys: readonly string[], args: readonly string[]): Promise<unknown> =>
    call((client) => client.fCall(`bailiwick_${name}`, { keys: [...keys], arguments: [...args] }))

  const ask = (name: string, fleet: FleetId, asked: object = {}): Promise<unknown> =>
    run(name, fleetKeys(fleet), [rulesText, JSON.stringify(asked)])
  const read = async <T>(name: string, fleet: FleetId, asked: object): Promise<T> => readJson(await ask(name, fleet, asked)) as T
  const kept = String(rules.changesKept)

  return {
    putZone: async (settings, content = '') =>
      (await run('put_zone', zoneKeys, [kept, settings.zone, JSON.stringify(settings), content])) as 'Done' | 'ContentMissing',
    async getContent(hash) {
      return (await connection.call((client) => client.hGet(zoneContents, hash))) ?? undefined
    },
    async deleteZone(zone, uid) {
      await run('delete_zone', zoneKeys, [kept, zone, uid])
    },
    async getZone(zone) {
      const text = await connection.call((client) => client.hGet(zoneSettings, zone))
      return text === null ? undefined : (JSON.parse(text) as ZoneSettings)
    },
    async listZones() {
      const all = await connection.call((client) => client.hVals(zoneSettings))
      return all.map((text) => JSON.parse(text) as ZoneSettings).sort((a, b) => (a.zone < b.zone ? -1 : 1))
    },

    zoneNews: async (since) => readZoneNews(await run('zone_news', zoneKeys, [since ?? ''])),

    async announceHost(fleet, host) {
      await ask('announce_host', fleet, { host })
    },
    async registerHost(fleet, host, serving = []) {
      await ask('register_host', fleet, { host, serving })
    },
    heartbeat: async (fleet, beat) => readHeartbeat(await ask('heartbeat', fleet, beat)),
    async drainHost(fleet, host, withinMs) {
      await ask('drain_host', fleet, { host, withinMs })
    },
    async cordonNode(fleet, node, cordoned) {
      await ask('cordon_node', fleet, { node, cordoned })
    },
    leaveHost: (fleet, host, incarnation) => read<boolean>('leave_host', fleet, { host, incarnation }),
    async suspectHost(fleet, host) {
      const answer = await ask('suspect_host', fleet, { host })
      return answer === null ? undefined : (readJson(answer) as number)
    },
    async removeHost(fleet, host, incarnation) {
      await ask('remove_host', fleet, { host, incarnation })
    },

    placeLayer: async (fleet, layer) => readPlacement(layer, await ask('place_layer', fleet, { layer })),
    joinLayer: async (fleet, layer, ticket) => readJoin(layer, await ask('join_layer', fleet, { layer, ticket })),
    redeemTicket: (fleet, layer, host, generation, id) => read<RedeemAnswer>('redeem_ticket', fleet, { layer, host, generation, id }),
    async requestClose(fleet, layer, reason) {
      await ask('request_close', fleet, { layer, reason })
    },
    beginClose: (fleet, layer, host, generation, force) =>
      read<'ok' | 'tickets' | 'lost'>('begin_close', fleet, { layer, host, generation, force }),
    closeLayer: (fleet, layer, host, generation) => read<'ok' | 'lost'>('close_layer', fleet, { layer, host, generation }),
    failLayer: (fleet, layer, host, generation, reason, crash) =>
      read<'ok' | 'lost'>('fail_layer', fleet, { layer, host, generation, reason: reason.slice(0, rules.failureLength), crash }),
    async retryLayer(fleet, layer) {
      await ask('retry_layer', fleet, { layer })
    },

    async barZone(fleet, zone, reason) {
      await ask('bar_zone', fleet, { zone, reason })
    },
    async unbarZone(fleet, zone) {
      await ask('unbar_zone', fleet, { zone })
    },
    async forgetZone(fleet, zone) {
      await ask('forget_zone', fleet, { zone })
    },

    sweep: (fleet, limit = rules.sweepLimit) => read<number>('sweep', fleet, { limit }),
    autoscale: (fleet, options) => read<FleetCounts>('autoscale', fleet, options),
    fleetView: async (fleet) => readFleetView(await ask('fleet_view', fleet), rules),
    fleetNews: async (fleet, since, counts, hosts = false) =>
      readFleetNews(await ask('fleet_news', fleet, { since, counts, hosts }), { counts, hosts, rules }),
    getLayer: async (fleet, layer) => readLayerView(layer, await ask('get_layer', fleet, { layer })),
    watchFleet: (fleet, onChange, signal) =>
      watchStream({
        ...{ url, log, callDeadline },
        stream: fleetChanges(fleet),
        onEntry: (entry) => onChange(fleetChange(entry)),
        onGap: () => onChange({ kind: 'gap' }),
        signal: AbortSignal.any([signal, closing.signal]),
      }),
    watchZones: (onChange, signal) =>
      watchStream({
        ...{ url, log, callDeadline },
        stream: zoneChanges,
        onEntry: (entry) => onChange({ kind: 'zone', zone: entry.id as `${string}/${string}` }),
        onGap: () => onChange({ kind: 'gap' }),
        signal: AbortSignal.any([signal, closing.signal]),
      }),

    ...createJournal(call, rules.barForgottenAfter),

    async barAccount(account, forMs) {
      await run('bar_account', accountKeys, [account, String(Math.ceil(forMs)), String(ACCOUNT_BARS_MAX)])
    },
    async unbarAccount(account) {
      await run('unbar_account', accountKeys, [account])
    },
    accountBars: async (since) => readAccountBars(await run('account_bars', accountKeys, [since ?? ''])),

    async setLocation(character, version, location) {
      await run('set_location', [locationKey(character)], [String(version), JSON.stringify(location)])
    },
    async getLocation(character) {
      const [text, since] = await connection.call((client) => client.hmGet(locationKey(character), ['location', 'since']))
      if (text == null) return undefined
      return { ...(JSON.parse(text) as CharacterLocation), ...(since == null ? {} : { since: Number(since) }) }
    },

    ping: () => connection.call((client) => ensureLibrary(client, library)),
    async close() {
      closing.abort()
      connection.close()
    },
  }
}

const reportedStates: ReadonlySet<string> = new Set(['Claiming', 'Serving', 'Closing'])

function fleetChange({ kind, id, host, reported }: Entry): FleetChange {
  if (kind === 'host') return { kind, host: id }
  const change = { kind: 'layer', layer: id as LayerId, host: host === '' ? undefined : host } as const
  return reportedStates.has(reported) ? { ...change, reported: reported as LayerReport['state'] } : change
}
