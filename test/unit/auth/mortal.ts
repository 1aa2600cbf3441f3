import type { Store } from '../../../core/ports/store-port.ts'

/** A store that ends its process, so to say, before the given append. */
export function mortal(store: Store, dieBefore: number): Store {
  let appends = 0
  return {
    ...store,
    async append(...args) {
      appends += 1
      if (appends >= dieBefore) throw new Error('killed')
      return store.append(...args)
    },
  }
}
