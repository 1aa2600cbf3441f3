/** The longest line of a watch: an object of the API is at most about 1.5 MB in the store. */
const MAX_LINE_BYTES = 16 * 1_048_576

const NEWLINE = 0x0a

/** Puts lines together that come in chunks, which may end anywhere, also within a character. */
export class LineSplitter {
  #rest: Buffer[] = []
  #bytes = 0

  /** The lines that this chunk completes, without their ends; empty lines are left out. Throws when a line grows beyond MAX_LINE_BYTES. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end))
      const line = Buffer.concat(this.#rest).toString('utf8')
      this.#rest = []
      this.#bytes = 0
      if (line.trim() !== '') lines.push(line)
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return lines
  }

  /** True when the stream ended in the middle of a line. */
  get unfinished(): boolean {
    return this.#bytes > 0
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#bytes += part.length
    if (this.#bytes > MAX_LINE_BYTES) throw new Error(`a line is longer than ${MAX_LINE_BYTES} bytes`)
    this.#rest.push(part)
  }
}
