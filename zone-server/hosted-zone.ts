import { parseContent, type ZoneContent } from '../core/content.ts'
import { BailiwickError } from '../core/errors.ts'
import type { ZoneId } from '../core/ids.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { ZoneSettings } from '../core/settings.ts'

/** A zone as a host runs it: its settings and the content that they name. */
export interface HostedZone {
  readonly settings: ZoneSettings
  readonly content?: ZoneContent
}

/** Between the two reads the zone may get other content; more often than this in a row it does not. */
const TRIES = 5

/**
 * Reads a zone's settings and its content; `known` is the content that the caller has, which is not read again. Undefined: there is no such zone. Throws
 * IndexUnavailable, also when the index has the settings and not the content, and InvalidInput for content that this host does not know how to read.
 */
export async function readHostedZone(
  index: Pick<ZoneIndex, 'getZone' | 'getContent'>,
  zone: ZoneId,
  known?: ZoneContent,
): Promise<HostedZone | undefined> {
  let hash: string | undefined
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const settings = await index.getZone(zone)
    hash = settings?.content
    if (settings === undefined) return undefined
    if (hash === undefined) return { settings }
    if (hash === known?.hash) return { settings, content: known }
    const text = await index.getContent(hash)
    if (text !== undefined) return { settings, content: { ...parseContent(JSON.parse(text)), hash } }
  }
  throw new BailiwickError('IndexUnavailable', { asked: `content ${hash} of zone ${zone}`, found: 'the settings that name it alone' })
}
