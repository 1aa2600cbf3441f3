import { type LayerId, layerId } from './ids.ts'
import type { LayerView } from './ports/index-port.ts'
import type { ZoneSettings } from './settings.ts'

/**
 * How many layers a zone's crowd needs, and who goes where. A layer opens when every open one has reached the target, so before the last one is full; one closes only when the others would
 * take its players and still have ROOM_KEPT of their target free. Between the two lies a crowd that changes nothing: opening and closing the same layer takes a change of at least
 * ROOM_KEPT of the others' targets, so a crowd that wavers does not make layers come and go.
 */

/** The zone of which it is asked, as far as it matters here. */
export type CrowdSettings = Pick<ZoneSettings, 'zone' | 'layers'>

/** Of a layer: whether it takes players, and how many it has. */
export type CrowdView = Pick<LayerView, 'layer' | 'state' | 'players' | 'closeRequested'>

/** Without `spec.layers.targetPlayers`: this share of maxPlayers. */
const DEFAULT_TARGET_SHARE = 0.8

/** A layer is closed for want of players only if so much of the target stays free in those that are left. */
const ROOM_KEPT = 0.25

/** The target of a zone's layers: of two open layers, both get players before a third opens. At least 1, at most maxPlayers. */
export function targetPlayers({ targetPlayers: target, maxPlayers }: ZoneSettings['layers']): number {
  return Math.max(1, Math.min(target ?? Math.floor(maxPlayers * DEFAULT_TARGET_SHARE), maxPlayers))
}

/** Players may be sent there. */
export function isOpen(view: CrowdView): boolean {
  return view.state === 'Serving' && view.closeRequested === undefined
}

/** On its way to be open. */
function isOpening({ state, closeRequested }: CrowdView): boolean {
  return (state === 'Wished' || state === 'Assigned' || state === 'Claiming') && closeRequested === undefined
}

/** On its way to be closed. */
function isClosing({ state, closeRequested }: CrowdView): boolean {
  return state === 'Closing' || (state === 'Serving' && closeRequested !== undefined)
}

/**
 * The layer to open because every open one has reached the target; undefined: none. Never one while another is opening, nor while none is open (then a join wakes the zone), and never more than max.
 * `views`: what the index knows; a layer that is not among them is asleep.
 */
export function layerToOpen(settings: CrowdSettings, views: readonly CrowdView[]): LayerId | undefined {
  const { zone, layers } = settings
  const own = viewsWithin(settings, views)
  const open = own.filter(isOpen)
  if (open.length === 0 || own.some(isOpening)) return undefined
  const target = targetPlayers(layers)
  if (open.some(({ players }) => players < target)) return undefined
  const known = new Map(own.map((view) => [view.layer, view.state]))
  const indices = Array.from({ length: layers.max }, (_, index) => layerId(zone, index))
  return indices.find((layer) => (known.get(layer) ?? 'Asleep') === 'Asleep')
}

/**
 * The layer that the crowd does not need any more: of those from `min` on the one with the fewest players, the highest of equals; undefined: none, or something is
 * opening or closing already. Whoever acts on it waits until it has been so for CROWD_STABLE_FOR.
 */
export function layerToClose(settings: CrowdSettings, views: readonly CrowdView[]): LayerId | undefined {
  const own = viewsWithin(settings, views)
  const open = own.filter(isOpen)
  if (own.some((view) => isOpening(view) || isClosing(view))) return undefined
  const rest = open.length - 1
  if (rest < settings.layers.min || rest < 1) return undefined
  const crowd = open.reduce((sum, { players }) => sum + players, 0)
  if (crowd > Math.floor(rest * targetPlayers(settings.layers) * (1 - ROOM_KEPT))) return undefined
  const kept = new Set(Array.from({ length: settings.layers.min }, (_, index) => layerId(settings.zone, index)))
  const extra = open.filter(({ layer }) => !kept.has(layer))
  return extra.reduce<CrowdView | undefined>((best, view) => (best === undefined || goesBefore(view, best) ? view : best), undefined)?.layer
}

/**
 * The open layer that a character is sent to: while below the target, the emptiest of the first `min` (they stay open anyway), else the fullest of the others, so that the
 * emptiest can close; with all at the target the emptiest below maxPlayers, until the next one is open. Undefined: all are full, or none is open.
 */
export function layerThatTakes(settings: CrowdSettings, views: readonly CrowdView[]): LayerId | undefined {
  const { zone, layers } = settings
  const open = viewsWithin(settings, views).filter(isOpen)
  const target = targetPlayers(layers)
  const kept = new Set(Array.from({ length: layers.min }, (_, index) => layerId(zone, index)))
  const below = open.filter(({ players }) => players < target)
  const emptiest = (from: readonly CrowdView[]): LayerId | undefined => first(from, (a, b) => a.players < b.players)
  return (
    emptiest(below.filter(({ layer }) => kept.has(layer))) ??
    first(below, (a, b) => a.players > b.players) ??
    emptiest(open.filter(({ players }) => players < layers.maxPlayers))
  )
}

/** Those that the zone may have now, by index. */
function viewsWithin({ zone, layers }: CrowdSettings, views: readonly CrowdView[]): CrowdView[] {
  const known = new Map(views.map((view) => [view.layer, view]))
  return Array.from({ length: layers.max }, (_, index) => known.get(layerId(zone, index))).filter((view) => view !== undefined)
}

/** The first of `views` that nothing is before. */
function first(views: readonly CrowdView[], isBefore: (a: CrowdView, b: CrowdView) => boolean): LayerId | undefined {
  return views.reduce<CrowdView | undefined>((best, view) => (best === undefined || isBefore(view, best) ? view : best), undefined)?.layer
}

/** `view` is closed rather than `other`, which has the lower index. */
function goesBefore(view: CrowdView, other: CrowdView): boolean {
  return view.players <= other.players
}
