import { type ByteReader, type ByteWriter, check } from './bytes.ts'
import { readCharacter, writeCharacter } from './character-bytes.ts'
import type { LayerBody } from './layer-input.ts'
import type { LeaveReason } from './output.ts'
import { readSettings, writeSettings } from './settings-bytes.ts'

/** The codes of the shell's inputs lie behind those of the players' (rules/table.ts). A code is never used again for another kind. */
export const FIRST_LAYER_CODE = 128
const kinds = ['join', 'linkDead', 'linkUp', 'expel', 'forget', 'released', 'configure'] as const satisfies readonly LayerBody['kind'][]
const reasons = ['Left', 'LinkDead', 'Closing', 'Full'] as const satisfies readonly LeaveReason[]

/** Writes the code of the body's kind and its fields. */
export function writeLayerBody(to: ByteWriter, body: LayerBody): void {
  to.u8(FIRST_LAYER_CODE + kinds.indexOf(body.kind))
  switch (body.kind) {
    case 'join': {
      const { character, account, name, createdAt, version, state } = body.arrival
      to.id(character)
      to.id(account)
      to.text(name)
      to.varint(createdAt)
      to.varint(version)
      writeCharacter(to, state)
      break
    }
    case 'expel':
      to.id(body.character)
      to.u8(reasons.indexOf(body.reason))
      break
    case 'released':
      to.text(body.id)
      break
    case 'configure':
      writeSettings(to, body.settings)
      break
    default:
      to.id(body.character)
  }
}

/** Reads the fields behind a code. Throws StoreCorrupt. */
export function readLayerBody(code: number, from: ByteReader): LayerBody {
  const kind = kinds[code - FIRST_LAYER_CODE]
  check(kind !== undefined, `an input with the code ${code}`)
  switch (kind) {
    case 'join': {
      const [character, account, name] = [from.id(), from.id(), from.text()]
      return { kind, arrival: { character, account, name, createdAt: from.varint(), version: from.varint(), state: readCharacter(from) } }
    }
    case 'expel': {
      const character = from.id()
      const reason = reasons[from.u8()]
      check(reason !== undefined, 'a reason that is none')
      return { kind, character, reason }
    }
    case 'released':
      return { kind, id: from.text() }
    case 'configure':
      return { kind, settings: readSettings(from) }
    default:
      return { kind, character: from.id() }
  }
}
