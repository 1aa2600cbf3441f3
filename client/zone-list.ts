import { BailiwickError } from '../core/errors.ts'
import { CLIENT_REQUEST_DEADLINE } from '../core/timing.ts'
import { readList, readNext, readZoneDetail, readZoneSummary, type ZoneDetail, type ZoneState, type ZoneSummary } from './answers.ts'
import { NotModified, type Request } from './http.ts'

export interface ZoneFilter {
  readonly namespace?: string
  /** The beginning of a zone's name. */
  readonly prefix?: string
  readonly state?: ZoneState
  /** With players, or without. */
  readonly players?: boolean
}

type Http = (request: Request) => Promise<unknown>

const PAGE = 1_000
/** Many times what a world has: an allocator that always has one page more is not followed for ever. */
const MAX_PAGES = 100
/** How long the allocator waits for a change, ms: well within what a request may take. */
const WAIT = Math.min(10_000, CLIENT_REQUEST_DEADLINE - 2_000)

/** All zones that the filter lets through. Throws Unreachable when the pages do not end. */
export async function listZones(http: Http, url: string, filter: ZoneFilter): Promise<readonly ZoneSummary[]> {
  const found: ZoneSummary[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const query = new URLSearchParams({ limit: String(PAGE) })
    for (const [name, value] of Object.entries({ ...filter, cursor })) if (value !== undefined) query.set(name, String(value))
    const answer = await http({ method: 'GET', url: `${url}?${query}` })
    found.push(...readList(answer, 'zones', readZoneSummary))
    cursor = readNext(answer)
    if (cursor === undefined) return found
  }
  throw new BailiwickError('Unreachable', {
    asked: url,
    found: `more than ${MAX_PAGES} pages`,
    todo: 'check that the URL is that of the allocator',
  })
}

export async function resolveZone(http: Http, url: string, signal?: AbortSignal): Promise<ZoneDetail> {
  let etag: string | undefined
  const onHeaders = (headers: Headers): void => {
    etag = headers.get('etag') ?? undefined
  }
  const detail = readZoneDetail(await http({ method: 'GET', url, signal, onHeaders }), 'zone')
  return etag === undefined ? detail : { ...detail, etag }
}

/** The zone once it is another one; as it was known when nothing changed for WAIT. */
export async function changedZone(http: Http, zones: string, known: ZoneDetail, signal?: AbortSignal): Promise<ZoneDetail> {
  const url = `${zones}/${known.namespace}/${known.name}`
  if (known.etag === undefined) return resolveZone(http, url, signal)
  try {
    return await resolveZone(http, `${url}?${new URLSearchParams({ wait: String(WAIT), since: known.etag })}`, signal)
  } catch (error) {
    if (error instanceof NotModified) return known
    throw error
  }
}
