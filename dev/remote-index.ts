import type { MessagePort } from 'node:worker_threads'
import { BailiwickError, catalogue, describeError, type ErrorCode } from '../core/errors.ts'
import type { ZoneIndex } from '../core/ports/index-port.ts'
import type { AppendAnswer, JournalAppend } from '../core/ports/journal-port.ts'

/**
 * The memory index lives in the main thread; a host in a worker thread reaches it by messages. Every method of the port is carried
 * as it is; the two watches become a subscription whose changes are posted.
 */
type Watch = 'watchFleet' | 'watchZones'
type Method = Exclude<keyof ZoneIndex, Watch | 'close'>

const methods: Readonly<Record<Method, true>> = {
  putZone: true,
  deleteZone: true,
  getZone: true,
  getContent: true,
  listZones: true,
  zoneNews: true,
  announceHost: true,
  registerHost: true,
  heartbeat: true,
  drainHost: true,
  cordonNode: true,
  leaveHost: true,
  suspectHost: true,
  removeHost: true,
  placeLayer: true,
  joinLayer: true,
  redeemTicket: true,
  requestClose: true,
  beginClose: true,
  closeLayer: true,
  failLayer: true,
  retryLayer: true,
  barZone: true,
  unbarZone: true,
  forgetZone: true,
  sweep: true,
  autoscale: true,
  fleetView: true,
  fleetNews: true,
  getLayer: true,
  raiseFence: true,
  hasFence: true,
  fenceEpoch: true,
  readJournal: true,
  startJournal: true,
  appendJournal: true,
  trimJournal: true,
  dropJournal: true,
  barAccount: true,
  unbarAccount: true,
  accountBars: true,
  setLocation: true,
  getLocation: true,
  ping: true,
}

type Request =
  | { readonly id: number; readonly method: Method | Watch; readonly args: readonly unknown[] }
  | { readonly id: number; readonly abort: true }
type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly change: unknown }
  | { readonly id: number; readonly code: ErrorCode; readonly message: string }

/** Serves `index` on `port` until the port closes. */
export function serveIndex(index: ZoneIndex, port: MessagePort): void {
  const watches = new Map<number, AbortController>()
  const answer = async (request: Request): Promise<void> => {
    if ('abort' in request) {
      watches.get(request.id)?.abort()
      watches.delete(request.id)
      return
    }
    try {
      port.postMessage({ id: request.id, value: await call(index, port, watches, request) } satisfies Answer)
    } catch (error) {
      const code = error instanceof BailiwickError ? error.code : 'Internal'
      port.postMessage({ id: request.id, code, message: describeError(error) } satisfies Answer)
    }
  }
  port.on('message', (request: Request) => void answer(request))
  port.on('close', () => {
    for (const watch of watches.values()) watch.abort()
  })
}

async function call(
  index: ZoneIndex,
  port: MessagePort,
  watches: Map<number, AbortController>,
  request: { readonly id: number; readonly method: Method | Watch; readonly args: readonly unknown[] },
): Promise<unknown> {
  const { id, method, args } = request
  if (method === 'watchFleet' || method === 'watchZones') {
    const controller = new AbortController()
    watches.set(id, controller)
    const onChange = (change: unknown) => port.postMessage({ id, change } satisfies Answer)
    return (index[method] as (...all: unknown[]) => Promise<void>).call(index, ...args, onChange, controller.signal)
  }
  if (!(method in methods)) throw new BailiwickError('Internal', { asked: `index method ${String(method)}` })
  return (index[method] as (...all: unknown[]) => Promise<unknown>).apply(index, [...args])
}

/** The index behind `port`, as a ZoneIndex. */
export function connectIndex(port: MessagePort): ZoneIndex {
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  const listeners = new Map<number, (change: unknown) => void>()
  let last = 0

  port.on('message', (answer: Answer) => {
    if ('change' in answer) return listeners.get(answer.id)?.(answer.change)
    const waiting = pending.get(answer.id)
    pending.delete(answer.id)
    if ('code' in answer)
      waiting?.reject(new BailiwickError(answer.code in catalogue ? answer.code : 'Internal', { found: answer.message }))
    else waiting?.resolve(answer.value)
  })
  port.on('close', () => {
    for (const waiting of pending.values()) waiting.reject(new BailiwickError('IndexUnavailable', { found: 'the main thread has ended' }))
    pending.clear()
  })

  const send = (
    method: Method | Watch,
    args: readonly unknown[],
    listener?: (change: unknown) => void,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const id = ++last
    if (listener !== undefined) listeners.set(id, listener)
    signal?.addEventListener('abort', () => {
      listeners.delete(id)
      port.postMessage({ id, abort: true } satisfies Request)
    })
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      port.postMessage({ id, method, args } satisfies Request)
    })
  }

  const plain = Object.fromEntries(Object.keys(methods).map((method) => [method, (...args: unknown[]) => send(method as Method, args)]))
  return {
    ...(plain as unknown as Pick<ZoneIndex, Method>),
    appendJournal: (appends) => send('appendJournal', [appends.map(withOwnBytes)]) as Promise<readonly AppendAnswer[]>,
    watchFleet: async (fleet, onChange, signal) => {
      await send('watchFleet', [fleet], onChange as (change: unknown) => void, signal)
    },
    watchZones: async (onChange, signal) => {
      await send('watchZones', [], onChange as (change: unknown) => void, signal)
    },
    close: async () => port.close(),
  }
}

/** A message carries the whole buffer behind a view: a batch that is a part of a bigger buffer is copied out of it first. */
function withOwnBytes(append: JournalAppend): JournalAppend {
  const { batch } = append
  return batch.byteLength === batch.buffer.byteLength ? append : { ...append, batch: new Uint8Array(batch) }
}
