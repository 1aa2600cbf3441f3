import { type ZoneId, zoneId } from '../../core/ids.ts'
import { ZONE_STREAM_HEARTBEAT, ZONE_STREAM_LIMIT } from '../../core/timing.ts'
import type { z } from '../../core/validate/index.ts'
import { EventStream, type HttpApp, Prepared, route } from '../../platform/http/index.ts'
import type { IndexCopy } from './copy/index-copy.ts'
import type { ZoneEntry } from './copy/zone-entry.ts'
import { zoneUnknown } from './join.ts'
import { listLinks, zoneLinks } from './links.ts'
import { zoneAnswer, zoneParams, zoneQuery, zonesAnswer, zonesQuery } from './schemas.ts'
import type { Watchers } from './watchers.ts'

/** The list of zones, and one zone with its changes; all from the copy. */
export function addZoneRoutes(app: HttpApp, copy: IndexCopy, watchers: Watchers, waitMax: number): void {
  const list = {
    summary: 'Zones with their players, page by page',
    query: zonesQuery,
    answer: { status: 200, body: zonesAnswer, links: listLinks },
    errors: ['IndexStale'],
  } as const
  route(app, 'get', '/v1/zones', list, ({ query }) => new Prepared(200, {}, page(copy, query)))
  const resolve = {
    summary: 'Where a zone is served, and its changes; never wakes it',
    params: zoneParams,
    query: zoneQuery,
    answer: {
      status: 200,
      body: zoneAnswer,
      also: { 304: 'It is as If-None-Match, or `since`, says' },
      stream: `For those who accept text/event-stream: an event "zone" with this answer as its data now and after each change, "gone" when it is deleted, a comment every ${ZONE_STREAM_HEARTBEAT / 1_000} s. Ends after ${ZONE_STREAM_LIMIT / 1_000} s at most`,
      links: zoneLinks,
      says: { etag: 'Weak; another one for another content', 'x-index-age': 'As `age`, in milliseconds' },
    },
    heeds: {
      'if-none-match': 'The ETag that is known: 304 if it still holds; with `wait`, only after so long',
      'last-event-id': 'Of a stream: the ETag of the last event, which is not sent again',
    },
    errors: ['ZoneUnknown', 'IndexStale', 'Busy'],
  } as const
  route(app, 'get', '/v1/zones/:namespace/:name', resolve, (call) => {
    const { params, query, header } = call
    const zone = zoneId(params.namespace, params.name)
    if (header('accept')?.includes('text/event-stream') === true) return stream(copy, watchers, zone, call.address, header('last-event-id'))
    const known = query.since ?? header('if-none-match')
    if (query.wait === undefined || known === undefined) return answerOf(copy, zone, known)
    const { address, signal } = call
    return wait(copy, watchers, { zone, address, known, ms: Math.min(query.wait, waitMax), signal })
  })
}

function page(copy: IndexCopy, query: z.output<typeof zonesQuery>): string {
  const { entries, age } = copy.list(query.cursor)
  const found: string[] = []
  let last: ZoneId | undefined
  for (const [zone, entry] of entries) {
    if (!matches(zone, entry, query)) continue
    // One more than asked for was found: there is a next page.
    if (found.length === query.limit) return `{"zones":[${found.join()}],"next":${JSON.stringify(last)},"age":${age}}`
    found.push(entry.described.summary)
    last = zone
  }
  return `{"zones":[${found.join()}],"age":${age}}`
}

function matches(zone: ZoneId, entry: ZoneEntry, query: z.output<typeof zonesQuery>): boolean {
  const slash = zone.indexOf('/')
  if (query.namespace !== undefined && zone.slice(0, slash) !== query.namespace) return false
  if (query.prefix !== undefined && !zone.startsWith(query.prefix, slash + 1)) return false
  if (query.state !== undefined && entry.described.state !== query.state) return false
  return query.players === undefined || (query.players === 'true') === entry.described.players > 0
}

interface Now {
  readonly etag: string
  readonly age: number
  readonly body: string
}

/** Throws ZoneUnknown, IndexStale. */
function now(copy: IndexCopy, zone: ZoneId): Now {
  const found = copy.find(zone)
  if (found === undefined) throw zoneUnknown(zone)
  const { etag, detail } = found.entry.described
  return { etag, age: found.age, body: `${detail},"age":${found.age}}` }
}

function answerOf(copy: IndexCopy, zone: ZoneId, known: string | undefined): Prepared {
  const { etag, age, body } = now(copy, zone)
  // It may be kept, and must be asked for anew.
  const headers = { etag, 'x-index-age': String(age), 'cache-control': 'no-cache' }
  return isKnown(known, etag) ? new Prepared(304, headers) : new Prepared(200, headers, body)
}

/** Weak comparison (RFC 9110, 13.1.2). */
function isKnown(known: string | undefined, etag: string): boolean {
  if (known === undefined) return false
  if (known === etag || known.trim() === '*') return true
  return known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag.slice(2))
}

interface Waiting {
  readonly zone: ZoneId
  readonly address: string
  readonly known: string
  readonly ms: number
  readonly signal: AbortSignal
}

/** The answer as soon as it is another than what is known, or as it is after so long. */
async function wait(copy: IndexCopy, watchers: Watchers, { zone, address, known, ms, signal }: Waiting): Promise<Prepared> {
  if (!isKnown(known, now(copy, zone).etag)) return answerOf(copy, zone, known)
  const leave = watchers.enter(address)
  const { promise, resolve } = Promise.withResolvers<void>()
  const unwatch = copy.watch(zone, () => {
    const found = copy.find(zone)
    if (found === undefined || !isKnown(known, found.entry.described.etag)) resolve()
  })
  const over = (): void => resolve()
  const limit = setTimeout(over, ms)
  signal.addEventListener('abort', over, { once: true })
  if (signal.aborted) over()
  try {
    await promise
    return answerOf(copy, zone, known)
  } finally {
    clearTimeout(limit)
    signal.removeEventListener('abort', over)
    unwatch()
    leave()
  }
}

/** Events for as long as the copy is fresh; while it is not, none but heartbeats, and what changed meanwhile comes when it is again. Throws ZoneUnknown, IndexStale, Busy. */
function stream(copy: IndexCopy, watchers: Watchers, zone: ZoneId, address: string, lastSent: string | undefined): EventStream {
  const first = now(copy, zone)
  const leave = watchers.enter(address)
  return new EventStream(({ send, end }) => {
    let sent = lastSent
    const tell = ({ etag, body }: Now): void => {
      if (etag === sent) return
      sent = etag
      send({ event: 'zone', id: etag, data: body })
    }
    tell(first)
    const unwatch = copy.watch(zone, () => {
      if (copy.has(zone)) tell(now(copy, zone))
      else {
        send({ event: 'gone', id: 'gone', data: '{}' })
        end()
      }
    })
    return () => {
      unwatch()
      leave()
    }
  })
}
