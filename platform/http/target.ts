import type { IncomingMessage } from 'node:http'

/**
 * The target of a request as a path with its query, from which nothing that reads it later can throw: clients may name the whole address as well (RFC 9112, 3.2.2), and Node's parser
 * lets addresses through that no URL parser reads. Undefined: it can't be read.
 */
export function readTarget(target: string): string | undefined {
  if (target.startsWith('/') || target === '*') return target
  if (!URL.canParse(target)) return undefined
  const { pathname, search } = new URL(target)
  return pathname.startsWith('/') ? pathname + search : undefined
}

const unreadable = new WeakSet<IncomingMessage>()

/** Makes the request's target a path; one that can't be read becomes `/`, and is remembered as such. */
export function settleTarget(request: IncomingMessage): void {
  const target = readTarget(request.url ?? '')
  if (target === undefined) unreadable.add(request)
  request.url = target ?? '/'
}

/** True when the request asked for something that is no address. */
export function isUnreadable(request: IncomingMessage): boolean {
  return unreadable.has(request)
}
