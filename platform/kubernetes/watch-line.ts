import { isKubernetesObject, isRecord } from './objects.ts'
import type { WatchInput } from './watch-machine.ts'

const GONE = 410

/** What one line of a watch says. An ERROR event with code 410 means that the version is gone, another one that the watch failed; all else that is no event is odd. */
export function readWatchLine(line: string): WatchInput {
  const event = parsed(line)
  if (!isRecord(event)) return { kind: 'odd' }
  const { type, object } = { type: event['type'], object: event['object'] }
  if (type === 'ERROR') {
    const code = isRecord(object) ? object['code'] : undefined
    return { kind: 'failed', gone: code === GONE, retryAfterMs: undefined }
  }
  if (type === 'BOOKMARK') {
    const version = isRecord(object) && isRecord(object['metadata']) ? object['metadata']['resourceVersion'] : undefined
    return typeof version === 'string' && version !== '' ? { kind: 'bookmark', resourceVersion: version } : { kind: 'odd' }
  }
  if (!isKubernetesObject(object) || object.metadata.resourceVersion === undefined) return { kind: 'odd' }
  if (type === 'ADDED' || type === 'MODIFIED') return { kind: 'changed', object, removed: false }
  return type === 'DELETED' ? { kind: 'changed', object, removed: true } : { kind: 'odd' }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
