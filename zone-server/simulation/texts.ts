import { BailiwickError } from '../../core/errors.ts'
import { ByteReader, ByteWriter, corrupt } from './bytes.ts'
import type { Lanes } from './hash.ts'

const FIRST_CAPACITY = 4_096
/** Less than this is not worth moving everything for. */
const MIN_WASTE = 65_536

/** The texts of one entity. */
export interface EntityTexts {
  readonly label: string
  readonly name: string
  readonly account: string
}

/**
 * The texts of all entities as bytes, in one piece: a snapshot takes them with one copy, where 40,000 strings would stall the tick. An entity's texts stand together
 * (label, name, account); freed ones are waste until everything is moved together.
 */
export class TextArena {
  #bytes = new Uint8Array(FIRST_CAPACITY)
  #used = 0
  #waste = 0
  readonly #writer = new ByteWriter(256)

  /** All bytes up to the last text; waste included. */
  get used(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#used)
  }

  get length(): number {
    return this.#used
  }

  /** Takes texts in, at the end; answers where they begin. */
  add(label: string, name: string, account: string): number {
    const writer = this.#writer
    writer.reset()
    writer.text(label)
    writer.text(name)
    writer.text(account)
    this.#room(writer.length)
    const at = this.#used
    writer.copyTo(this.#bytes, at)
    this.#used += writer.length
    return at
  }

  remove(length: number): void {
    this.#waste += length
  }

  hash(lanes: Lanes, at: number, length: number): void {
    lanes.bytes(this.#bytes, at, at + length)
  }

  get isWasteful(): boolean {
    return this.#waste > MIN_WASTE && this.#waste * 2 > this.#used
  }

  /** Moves what is still of use together. `ids`: those in use; the columns are changed to the new places. */
  compact(highest: number, at: Uint32Array, length: Uint32Array): void {
    const bytes = new Uint8Array(this.#bytes.byteLength)
    let used = 0
    for (let id = 1; id <= highest; id++) {
      const [from, size] = [at[id] ?? 0, length[id] ?? 0]
      bytes.set(this.#bytes.subarray(from, from + size), used)
      at[id] = used
      used += size
    }
    this.#bytes = bytes
    this.#used = used
    this.#waste = 0
  }

  /** Takes the bytes of a snapshot; answers a function that reads the texts at a place of so many bytes, or throws StoreCorrupt. */
  load(bytes: Uint8Array<ArrayBuffer>, inUse: number): (at: number, length: number) => EntityTexts {
    this.#bytes = bytes
    this.#used = bytes.byteLength
    this.#waste = bytes.byteLength - inUse
    const from = new ByteReader(bytes, true)
    return (at, length) => {
      from.seek(at)
      const texts = { label: from.text(), name: from.text(), account: from.text() }
      if (from.position !== at + length) throw corrupt(`texts at ${at} that are not ${length} bytes long`)
      return texts
    }
  }

  #room(more: number): void {
    if (this.#used + more <= this.#bytes.byteLength) return
    if (this.#used + more > 0x7fff_ffff) throw new BailiwickError('Internal', { found: 'more texts of entities than fit two gigabytes' })
    const wider = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#used + more))
    wider.set(this.#bytes)
    this.#bytes = wider
  }
}
