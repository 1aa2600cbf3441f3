/** What one client knows to be in its view: entity ids. An id rests before it names another entity, so one that stays is the same entity. */
export class View {
  #known: ReadonlySet<number> = new Set()

  /** Takes what is in view now; answers what came and what went. */
  update(visible: readonly number[]): { readonly appeared: readonly number[]; readonly vanished: readonly number[] } {
    const before = this.#known
    const now = new Set(visible)
    this.#known = now
    return { appeared: visible.filter((id) => !before.has(id)), vanished: [...before].filter((id) => !now.has(id)) }
  }

  /** Everything is to be told again. */
  forget(): void {
    this.#known = new Set()
  }
}
