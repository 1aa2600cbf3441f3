import { setTimeout as delay } from 'node:timers/promises'
import { BailiwickError } from '../../../core/errors.ts'
import type { ZoneIndex } from '../../../core/ports/index-port.ts'
import { indexWrites } from '../../unit/operator/world/mortal.ts'
import type { Strikes } from './strikes.ts'

export interface IndexFaults {
  readonly strikes: Strikes
  /** Kills the operator. */
  crash(): void
  /** True once it was killed. */
  dead(): boolean
  /** Over Redis the faults lie on the way to it: called with the fault's name and how long it lasts. */
  readonly onRedis?: (what: string, ms: number) => Promise<void>
}

/** The index as one life of the operator has it: faults come with its writes, and nothing gets through after its death. */
export function faultyIndex(index: ZoneIndex, faults: IndexFaults): ZoneIndex {
  const live = (): void => {
    if (faults.dead()) throw new BailiwickError('IndexUnavailable', { found: 'the operator was killed' })
  }
  const write = faults.onRedis === undefined ? atIndex : overRedis
  return new Proxy(index, {
    get(object, name, receiver) {
      const value: unknown = Reflect.get(object, name, receiver)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        live()
        const call = async (): Promise<unknown> => value.apply(object, args)
        const answer = await (indexWrites.has(String(name)) ? write(String(name), call, faults) : call())
        live()
        return answer
      }
    },
  })
}

async function atIndex(name: string, call: () => Promise<unknown>, faults: IndexFaults): Promise<unknown> {
  const strike = faults.strikes.next('index', name)
  const away = new BailiwickError('IndexUnavailable', { found: strike?.what ?? '' })
  if (strike?.what === 'away') throw away
  if (strike?.what === 'crash-before') {
    faults.crash()
    throw away
  }
  if (strike?.what === 'late') await delay(strike.ms)
  const answer = await call()
  if (strike?.what === 'crash-after') faults.crash()
  if (strike?.what === 'lost') throw away
  return answer
}

async function overRedis(name: string, call: () => Promise<unknown>, faults: IndexFaults): Promise<unknown> {
  const strike = faults.strikes.next('redis', name)
  if (strike?.what === 'crash-before') {
    faults.crash()
    throw new BailiwickError('IndexUnavailable')
  }
  if (strike !== undefined && !strike.what.startsWith('crash')) await faults.onRedis?.(strike.what, strike.ms)
  const answer = await call()
  if (strike?.what === 'crash-after') faults.crash()
  return answer
}
