import type { CharacterState } from '../../core/chains.ts'
import { type ByteReader, ByteWriter } from './bytes.ts'
import { readCharacter, writeCharacter } from './character-bytes.ts'
import { Lanes } from './hash.ts'

/** A character on its way out: to be appended as `released`, number `n` of its chain. */
export interface Release {
  /** `tick/k`: with the layer's name the nonce of the append, the same for every successor. */
  readonly id: string
  readonly tick: number
  readonly character: string
  readonly account: string
  readonly name: string
  readonly createdAt: number
  readonly n: number
  readonly state: CharacterState
}

interface Packed {
  readonly bytes: Uint8Array
  readonly one: number
  readonly two: number
}

/** What is to leave the layer for good, by id, in the order of leaving. Each entry is turned into bytes once, when it comes. */
export class Outbox extends Map<string, Release> {
  readonly #packed = new Map<string, Packed>()
  /** The sums of the entries' hashes. */
  one = 0
  two = 0

  override set(id: string, release: Release): this {
    this.delete(id)
    const packed = pack(release)
    this.#packed.set(id, packed)
    this.one = (this.one + packed.one) | 0
    this.two = (this.two + packed.two) | 0
    return super.set(id, release)
  }

  override delete(id: string): boolean {
    const packed = this.#packed.get(id)
    if (packed === undefined) return false
    this.#packed.delete(id)
    this.one = (this.one - packed.one) | 0
    this.two = (this.two - packed.two) | 0
    return super.delete(id)
  }

  override clear(): void {
    for (const id of [...this.keys()]) this.delete(id)
  }

  /** The entries as bytes, in order. */
  *packed(): Iterable<Uint8Array> {
    for (const id of this.keys()) {
      const packed = this.#packed.get(id)
      if (packed !== undefined) yield packed.bytes
    }
  }
}

/** Reads one entry. Throws StoreCorrupt. */
export function readRelease(from: ByteReader): Release {
  const [id, character, account, name] = [from.text(), from.id(), from.id(), from.text()]
  return { id, character, account, name, tick: from.u32(), createdAt: from.varint(), n: from.varint(), state: readCharacter(from) }
}

function pack(release: Release): Packed {
  const to = new ByteWriter()
  to.text(release.id)
  to.id(release.character)
  to.id(release.account)
  to.text(release.name)
  to.u32(release.tick)
  to.varint(release.createdAt)
  to.varint(release.n)
  writeCharacter(to, release.state)
  const bytes = to.finish()
  const lanes = new Lanes()
  lanes.begin(bytes.byteLength)
  lanes.bytes(bytes)
  lanes.finish()
  return { bytes, one: lanes.one, two: lanes.two }
}
