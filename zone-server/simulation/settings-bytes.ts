import type { Point } from '../../core/geometry.ts'
import { type ByteReader, type ByteWriter, check } from './bytes.ts'
import type { BlockedMap } from './collision.ts'
import type { SimulationContent, SimulationSettings } from './settings.ts'

export function writeSettings(to: ByteWriter, { bounds, tickRateHz, linkDeadTicks, content }: SimulationSettings): void {
  for (const value of [bounds.min.x, bounds.min.y, bounds.max.x, bounds.max.y]) to.signed(value)
  to.varint(tickRateHz)
  to.varint(linkDeadTicks)
  to.u8(content === undefined ? 0 : 1)
  if (content !== undefined) writeContent(to, content)
}

/** Reads what writeSettings wrote. Throws StoreCorrupt. */
export function readSettings(from: ByteReader): SimulationSettings {
  const bounds = { min: { x: from.signed(), y: from.signed() }, max: { x: from.signed(), y: from.signed() } }
  check(bounds.min.x <= bounds.max.x && bounds.min.y <= bounds.max.y, 'bounds in the wrong order')
  const tickRateHz = from.varint()
  check(tickRateHz > 0, 'no tick rate')
  const settings = { bounds, tickRateHz, linkDeadTicks: from.varint() }
  return from.upTo(1) === 0 ? settings : { ...settings, content: readContent(from) }
}

function writeContent(to: ByteWriter, { hash, map, spawns, respawns, props, creatures }: SimulationContent): void {
  to.text(hash)
  to.u8(map === undefined ? 0 : 1)
  if (map !== undefined) writeMap(to, map)
  for (const points of [spawns, respawns]) {
    to.varint(points.length)
    for (const point of points) writePoint(to, point)
  }
  to.varint(props.length)
  for (const { kind, at, heading } of props) {
    to.text(kind)
    writePoint(to, at)
    to.u8(heading)
  }
  to.varint(creatures.length)
  for (const { kind, home, count, wanderMm, speed, bite } of creatures) {
    to.text(kind)
    writePoint(to, home)
    for (const value of [count, wanderMm, speed, bite]) to.varint(value)
  }
}

function readContent(from: ByteReader): SimulationContent {
  const hash = from.text()
  const map = from.upTo(1) === 1 ? readMap(from) : undefined
  const spawns = readPoints(from)
  const respawns = readPoints(from)
  const props = Array.from({ length: from.count(4) }, () => ({ kind: from.text(), at: readPoint(from), heading: from.u8() }))
  const creatures = Array.from({ length: from.count(7) }, () => ({
    ...{ kind: from.text(), home: readPoint(from), count: from.varint(), wanderMm: from.varint() },
    ...{ speed: from.upTo(0x7fff), bite: from.upTo(0xff) },
  }))
  return { hash, ...(map === undefined ? {} : { map }), spawns, respawns, props, creatures }
}

function writeMap(to: ByteWriter, { cellMm, origin, columns, rows, blocked }: BlockedMap): void {
  to.varint(cellMm)
  writePoint(to, origin)
  to.varint(columns)
  to.varint(rows)
  to.bytes(blocked)
}

function readMap(from: ByteReader): BlockedMap {
  const cellMm = from.varint()
  check(cellMm > 0, 'cells without a size')
  const origin = readPoint(from)
  const columns = from.upTo(0xff_ffff)
  const rows = from.upTo(0xff_ffff)
  return { cellMm, origin, columns, rows, blocked: from.bytes(Math.ceil((columns * rows) / 8)) }
}

function writePoint(to: ByteWriter, { x, y }: Point): void {
  to.signed(x)
  to.signed(y)
}

function readPoint(from: ByteReader): Point {
  return { x: from.signed(), y: from.signed() }
}

function readPoints(from: ByteReader): Point[] {
  return Array.from({ length: from.count(2) }, () => readPoint(from))
}
