/** One call to an adapter: what was called, and when it began and ended, ms of the machine's own clock, which all its processes share. */
export interface Call {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** The machine's own clock, ms: the same in every process. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Remembers the calls that are made through it, until they are taken. */
export class Trace {
  #calls: Call[] = []

  /** The same adapter, whose calls are remembered as `name.method`. */
  of<T extends object>(name: string, adapter: T): T {
    return new Proxy(adapter, {
      get: (target, key) => {
        const found: unknown = Reflect.get(target, key)
        if (typeof found !== 'function') return found
        return (...parts: unknown[]): unknown => this.#call(`${name}.${String(key)}`, () => Reflect.apply(found, target, parts))
      },
    })
  }

  /** What was called since the last time. */
  taken(): readonly Call[] {
    return this.#calls.splice(0)
  }

  #call(name: string, work: () => unknown): unknown {
    const from = now()
    const done = (): void => void this.#calls.push({ name, from, to: now() })
    const answer = work()
    if (answer instanceof Promise) answer.then(done, done)
    return answer
  }
}
