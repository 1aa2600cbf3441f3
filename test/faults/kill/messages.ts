import type { LayerId } from '../../../core/ids.ts'

/** What parent and hosts tell one another. */
export interface HostOrder {
  readonly name: string
  readonly redis: string
  readonly store: StoreOrder
}

export type StoreOrder =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'mongo'; readonly url: string; readonly database: string }

export type FromParent =
  | { readonly kind: 'serve'; readonly order: HostOrder }
  /** Everything up to the tick of this question was read. */
  | { readonly kind: 'read'; readonly question: number }

export type ToParent =
  | { readonly kind: 'trim'; readonly question: number; readonly layer: LayerId; readonly through: number }
  | { readonly kind: 'line'; readonly level: 'warn' | 'error'; readonly event: string; readonly fields: string }
