import type { ZoneId } from '../../core/ids.ts'
import type { ZoneSettings } from '../../core/settings.ts'
import { createWatchers } from './changes.ts'
import { createChangeLog, zoneNews } from './news.ts'

type ZoneChange = { readonly kind: 'zone' | 'gap'; readonly zone?: ZoneId }

/** The settings of all zones, and the contents that they name. */
export function createZones(changesKept: number) {
  const settings = new Map<ZoneId, ZoneSettings>()
  const contents = new Map<string, string>()
  const uses = new Map<string, number>()
  const watchers = createWatchers<ZoneChange>()
  const changes = createChangeLog<ZoneId>(changesKept)

  function tell(zone: ZoneId): void {
    changes.add(zone)
    watchers.tell({ kind: 'zone', zone })
  }

  /** A content goes with the last zone that names it. */
  function changeContent(before: string | undefined, after: string | undefined): void {
    if (before === after) return
    if (after !== undefined) uses.set(after, (uses.get(after) ?? 0) + 1)
    if (before === undefined) return
    const left = (uses.get(before) ?? 0) - 1
    if (left > 0) uses.set(before, left)
    else {
      uses.delete(before)
      contents.delete(before)
    }
  }

  return {
    watchers,
    put(next: ZoneSettings, content: string | undefined): 'Done' | 'ContentMissing' {
      const known = settings.get(next.zone)
      if (known !== undefined && known.uid === next.uid && known.generation > next.generation) return 'Done'
      if (next.content !== undefined) {
        if (content !== undefined) contents.set(next.content, content)
        else if (!contents.has(next.content)) return 'ContentMissing'
      }
      settings.set(next.zone, structuredClone(next))
      changeContent(known?.content, next.content)
      tell(next.zone)
      return 'Done'
    },
    remove(zone: ZoneId, uid: string): void {
      const known = settings.get(zone)
      if (known?.uid !== uid) return
      settings.delete(zone)
      changeContent(known.content, undefined)
      tell(zone)
    },
    news: (since: string | undefined) => zoneNews(settings, changes, since),
    get(zone: ZoneId): ZoneSettings | undefined {
      return structuredClone(settings.get(zone))
    },
    content(hash: string): string | undefined {
      return contents.get(hash)
    },
    list(): readonly ZoneSettings[] {
      const all = [...settings.values()].sort((a, b) => (a.zone < b.zone ? -1 : 1))
      return structuredClone(all)
    },
    clear(): void {
      settings.clear()
      changes.clear()
      contents.clear()
      uses.clear()
      watchers.tell({ kind: 'gap' })
    },
  }
}
