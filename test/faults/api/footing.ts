import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import type { Log } from '../../../core/ports/log-port.ts'
import type { Store } from '../../../core/ports/store-port.ts'
import type { Life } from '../../unit/operator/world/mortal.ts'
import type { ApiProxy } from './proxy.ts'
import type { Strikes } from './strikes.ts'

/** What one life of the operator is given. */
export interface Given {
  readonly namespace: string
  readonly strikes: Strikes
  /** Its death: told when it dies, and asked what lives. */
  readonly life: Life
  /** Its way to the API server; `crash()` kills it. */
  readonly proxy: ApiProxy
  readonly apiUrl: string
  readonly log: Log
}

/** What a world stands on: where things are kept, and what an operator is. */
export interface Footing {
  /** Past all faults. */
  readonly index: ZoneIndex
  readonly store: Store
  /** Begins a life of the operator; answers what ends all of it after its death. */
  begin(given: Given): Promise<() => Promise<void>>
  end(): Promise<void>
}
