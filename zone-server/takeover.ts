/** New content of a zone takes a layer over in three steps: an input brings it into the state, a snapshot holds that state, and a new epoch says that it is of this content. */
export class Takeover {
  #content: string
  #next: { readonly content: string; tick: number | undefined; stored: boolean } | undefined

  /** `content`: the hash that the present epoch was opened with. */
  constructor(content: string) {
    this.#content = content
  }

  /** The content that a new epoch is opened with now. */
  get content(): string {
    return this.#next?.stored === true ? this.#next.content : this.#content
  }

  /** The input that brings this content is queued. */
  wanted(content: string): void {
    if (content !== (this.#next?.content ?? this.#content)) this.#next = { content, tick: undefined, stored: false }
  }

  /** A tick was stepped, and its state is of this content. Answers true when it is the first of the new one: a snapshot of it is due. */
  stepped(tick: number, content: string): boolean {
    // The input may wait for a tick that has room for it.
    if (this.#next === undefined || this.#next.tick !== undefined || this.#next.content !== content) return false
    this.#next.tick = tick
    return true
  }

  /** A snapshot is stored. Answers true when a new epoch is due. */
  snapshotStored(tick: number): boolean {
    const next = this.#next
    if (next?.tick === undefined || next.stored || tick < next.tick) return false
    next.stored = true
    return true
  }

  /** A new epoch was opened with `content`. */
  reopened(content: string): void {
    this.#content = content
    if (this.#next?.stored === true && this.#next.content === content) this.#next = undefined
  }
}
