import { type CharacterState, type Item, MAX_INVENTORY, MAX_STAT } from '../../core/chains.ts'
import { type ZoneId, zoneId } from '../../core/ids.ts'
import { type ByteReader, type ByteWriter, check, corrupt } from './bytes.ts'

/** Writes what a character takes from place to place. */
export function writeCharacter(to: ByteWriter, { zone, position, inventory, inputSequence, stats }: CharacterState): void {
  to.text(zone ?? '')
  to.u8(position === null ? 0 : 1)
  if (position !== null) {
    to.signed(position.x)
    to.signed(position.y)
  }
  to.varint(inputSequence)
  to.varint(inventory.length)
  for (const item of inventory) {
    to.text(item.id)
    to.text(item.kind)
  }
  to.u8(stats === undefined ? 0 : 1)
  if (stats === undefined) return
  to.u8(stats.health)
  to.u8(stats.energy)
}

/** Reads what writeCharacter wrote. Throws StoreCorrupt. */
export function readCharacter(from: ByteReader): CharacterState {
  const zone = readZone(from.text())
  const position = from.upTo(1) === 1 ? { x: from.signed(), y: from.signed() } : null
  const inputSequence = from.varint()
  const inventory: Item[] = []
  const items = from.count(2)
  check(items <= MAX_INVENTORY, `an inventory of ${items}`)
  for (let left = items; left > 0; left--) inventory.push({ id: from.text(), kind: from.text() })
  const known = { zone, position, inventory, inputSequence }
  return from.upTo(1) === 0 ? known : { ...known, stats: { health: from.upTo(MAX_STAT), energy: from.upTo(MAX_STAT) } }
}

function readZone(text: string): ZoneId | null {
  if (text === '') return null
  const [namespace = '', name = '', more] = text.split('/')
  try {
    if (more === undefined) return zoneId(namespace, name)
  } catch {
    // What is wrong with it is said below.
  }
  throw corrupt('a zone that is none')
}
