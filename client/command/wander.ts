import { setTimeout } from 'node:timers/promises'
import { MM_PER_M } from '../../core/geometry.ts'
import { type Client, describePosition, type SessionEnd, type ZoneSession, type ZoneView } from '../index.ts'
import { narrator } from './narrate.ts'
import { type Terminal, whenInterrupted } from './terminal.ts'

/** It goes another way so often, at least and at most, ms. */
const STEP_MIN = 500
const STEP_MAX = 2_000
/** Nearer to the border than this it turns to the middle, mm. */
const SHY_OF_BORDER = 10 * MM_PER_M

interface Walk {
  frames: number
  distanceMm: number
  connections: number
  readonly met: Set<string>
  heard: number
  last: { readonly x: number; readonly y: number } | undefined
}

/** Walks a character around for so many seconds, and says what came of it. True when it got through to the end and left. */
export async function wander(client: Client, zone: string, character: string, seconds: number, terminal: Terminal): Promise<boolean> {
  const walk: Walk = { frames: 0, distanceMm: 0, connections: 0, met: new Set(), heard: 0, last: undefined }
  const session = begin(client, zone, character, walk, (line) => terminal.out(line))
  const stop = new AbortController()
  void session.ended.then(() => stop.abort())
  whenInterrupted(terminal, () => void session.leave())
  const over = AbortSignal.any([stop.signal, AbortSignal.timeout(seconds * 1_000)])
  while (!over.aborted) {
    if (session.playing) step(session)
    await pause(STEP_MIN + Math.random() * (STEP_MAX - STEP_MIN), over)
  }
  const end = await session.leave()
  terminal.out(summary(walk, end, seconds))
  return end.reason === 'left' && walk.frames > 0
}

function begin(client: Client, zone: string, character: string, walk: Walk, out: (line: string) => void): ZoneSession {
  const told = narrator(out, () => session.view)
  const session: ZoneSession = client.joinZone(zone, character, {
    ...told,
    welcome: (welcome) => {
      walk.connections += 1
      // Where it stands after a reconnect is not where it walked to.
      walk.last = undefined
      told.welcome?.(welcome)
      step(session)
    },
    appeared: (entities) => {
      for (const entity of entities) if (entity.kind === 'avatar' && entity.id !== session.view.welcome?.entity) walk.met.add(entity.name)
    },
    vanished: () => undefined,
    said: (from, text) => {
      walk.heard += 1
      told.said?.(from, text)
    },
    state: () => measure(walk, session.view),
  })
  return session
}

function step(session: ZoneSession): void {
  const { me, welcome } = session.view
  if (welcome === undefined) return
  const angle = me !== undefined && isNearBorder(session.view) ? towardsMiddle(session.view) : Math.random() * 2 * Math.PI
  // A little below the limit, so that rounding never makes it too fast.
  const speed = Math.max(0, welcome.maxSpeed - 1)
  session.move(Math.trunc(Math.cos(angle) * speed), Math.trunc(Math.sin(angle) * speed))
}

function isNearBorder({ me, welcome }: ZoneView): boolean {
  if (me === undefined || welcome === undefined) return false
  const { minX, minY, maxX, maxY } = welcome
  return me.x - minX < SHY_OF_BORDER || maxX - me.x < SHY_OF_BORDER || me.y - minY < SHY_OF_BORDER || maxY - me.y < SHY_OF_BORDER
}

function towardsMiddle({ me, welcome }: ZoneView): number {
  if (me === undefined || welcome === undefined) return 0
  return Math.atan2((welcome.minY + welcome.maxY) / 2 - me.y, (welcome.minX + welcome.maxX) / 2 - me.x)
}

function measure(walk: Walk, { me }: ZoneView): void {
  walk.frames += 1
  if (me === undefined) return
  if (walk.last !== undefined) walk.distanceMm += Math.hypot(me.x - walk.last.x, me.y - walk.last.y)
  walk.last = { x: me.x, y: me.y }
}

function summary(walk: Walk, end: SessionEnd, seconds: number): string {
  const where = walk.last === undefined ? '' : ` and stood at ${describePosition(walk.last)}`
  const met = walk.met.size === 0 ? 'nobody' : [...walk.met].sort().join(', ')
  return [
    `wandered for ${seconds} s (${end.reason}): walked ${(walk.distanceMm / MM_PER_M).toFixed(1)} m${where};`,
    `${walk.frames} states over ${walk.connections} connections; met ${met}; heard ${walk.heard} sayings`,
  ].join(' ')
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal: stop })
  } catch (error) {
    if (!stop.aborted) throw error
  }
}
