import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { GameServerView } from './view.ts'

/** Messages of Agones' SDK protocol, written and read field by field: the classes of its npm package can't write maps. */

function inner(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.tag(field, WireType.LengthDelimited).string(value)
}

function integer(writer: BinaryWriter, field: number, value: string | number): void {
  if (Number(value) !== 0) writer.tag(field, WireType.Varint).int64(value)
}

function flag(writer: BinaryWriter, field: number, value: boolean): void {
  if (value) writer.tag(field, WireType.Varint).bool(value)
}

function map(writer: BinaryWriter, field: number, entries: Record<string, string>): void {
  for (const [key, value] of Object.entries(entries)) {
    inner(writer, field, (entry) => {
      text(entry, 1, key)
      text(entry, 2, value)
    })
  }
}

function writeMeta(writer: BinaryWriter, meta: GameServerView['object_meta']): void {
  text(writer, 1, meta.name)
  text(writer, 2, meta.namespace)
  text(writer, 3, meta.uid)
  text(writer, 4, meta.resource_version)
  integer(writer, 5, meta.generation)
  integer(writer, 6, meta.creation_timestamp)
  integer(writer, 7, meta.deletion_timestamp)
  map(writer, 8, meta.annotations)
  map(writer, 9, meta.labels)
}

function writeSpec(writer: BinaryWriter, { health }: GameServerView['spec']): void {
  inner(writer, 1, (field) => {
    flag(field, 1, health.disabled)
    integer(field, 2, health.period_seconds)
    integer(field, 3, health.failure_threshold)
    integer(field, 4, health.initial_delay_seconds)
  })
}

function writeStatus(writer: BinaryWriter, status: GameServerView['status']): void {
  text(writer, 1, status.state)
  text(writer, 2, status.address)
  for (const { name, port } of status.ports) {
    inner(writer, 3, (entry) => {
      text(entry, 1, name)
      integer(entry, 2, port)
    })
  }
  for (const { type, address } of status.addresses) {
    inner(writer, 7, (entry) => {
      text(entry, 1, type)
      text(entry, 2, address)
    })
  }
}

/** Gives the bytes of a GameServer message. */
export function encodeGameServer(view: GameServerView): Buffer {
  const writer = new BinaryWriter()
  inner(writer, 1, (field) => writeMeta(field, view.object_meta))
  inner(writer, 2, (field) => writeSpec(field, view.spec))
  inner(writer, 3, (field) => writeStatus(field, view.status))
  return Buffer.from(writer.finish())
}

export interface KeyValue {
  key: string
  value: string
}

/** Reads a KeyValue message. Throws when it is cut short. */
export function decodeKeyValue(bytes: Uint8Array): KeyValue {
  const reader = new BinaryReader(bytes)
  const found = { key: '', value: '' }
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1) found.key = reader.string()
    else if (field === 2) found.value = reader.string()
    else reader.skip(type)
  }
  return found
}

/** Reads the seconds of a Duration message. Throws when it is cut short. */
export function decodeDuration(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes)
  let seconds = 0
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1) seconds = Number(reader.int64())
    else reader.skip(type)
  }
  return seconds
}
