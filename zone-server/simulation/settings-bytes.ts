import { type ByteReader, type ByteWriter, check } from './bytes.ts'
import type { SimulationSettings } from './settings.ts'

export function writeSettings(to: ByteWriter, { bounds, tickRateHz, linkDeadTicks }: SimulationSettings): void {
  for (const value of [bounds.min.x, bounds.min.y, bounds.max.x, bounds.max.y]) to.signed(value)
  to.varint(tickRateHz)
  to.varint(linkDeadTicks)
}

/** Reads what writeSettings wrote. Throws StoreCorrupt. */
export function readSettings(from: ByteReader): SimulationSettings {
  const bounds = { min: { x: from.signed(), y: from.signed() }, max: { x: from.signed(), y: from.signed() } }
  check(bounds.min.x <= bounds.max.x && bounds.min.y <= bounds.max.y, 'bounds in the wrong order')
  const tickRateHz = from.varint()
  check(tickRateHz > 0, 'no tick rate')
  return { bounds, tickRateHz, linkDeadTicks: from.varint() }
}
