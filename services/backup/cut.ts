import type { ChainEntry } from '../../core/ports/store-port.ts'

/** The newest tick of which a layer's records tell: whatever left the layer up to it is gone from it in these records, and what left later is still in. */
export async function durableTick(entries: AsyncIterable<ChainEntry>): Promise<number> {
  let tick = 0
  for await (const { kind, data } of entries) {
    if (kind === 'erased') tick = 0
    const told = kind === 'segment' ? data['to'] : data['tick']
    if (typeof told === 'number') tick = Math.max(tick, told)
  }
  return tick
}

/** The numbers of a character's first records: it is made, it is there, it joins. */
const NEVER_LEFT = 3

export interface CharacterCut {
  /** What is kept of the character. */
  readonly entry: ChainEntry
  /** False: it moved more than once between the two looks, and may fit one of its layers only. */
  readonly exact: boolean
}

/**
 * Which of two looks at a character's chain fits the layers as they were copied between them. `before`: its head before the layers were copied; `now`: after. A character has its things with
 * it in one place only, so one that left a layer behind that layer's copy must be kept as it was before: its things are still in the copy. One that joined may be kept
 * either way, because a layer adopts whom its chain names.
 */
export function cutCharacter(
  before: ChainEntry | undefined,
  now: ChainEntry,
  durable: (layer: string) => number | undefined,
): CharacterCut {
  // One that is new had nothing in any layer before; only a few records on can it have left one.
  if (before === undefined) return { entry: now, exact: now.n <= NEVER_LEFT }
  if (before.n === now.n) return { entry: now, exact: true }
  const left = leaving(now)
  const isInCopy = left === undefined || left.tick <= (durable(left.layer) ?? 0)
  if (now.n === before.n + 1) return { entry: isInCopy ? now : before, exact: true }
  return { entry: now, exact: false }
}

/** From which layer, in which tick, a character was released: its nonce says so, `<layer>/<tick>/<k>`. Undefined for every other record. */
function leaving({ kind, nonce }: ChainEntry): { readonly layer: string; readonly tick: number } | undefined {
  const [, layer, tick] = /^([^/]+\/[^/]+\/\d+)\/(\d+)\/\d+$/.exec(nonce) ?? []
  if (kind !== 'released' || layer === undefined) return undefined
  return { layer, tick: Number(tick) }
}
