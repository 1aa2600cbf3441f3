import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'

const TIMEOUT_MS = 30_000
const WATCH_SECONDS = 300
const RETRY_MS = 200

/** An object of the API server as the rows look at it. */
export interface Seen {
  metadata: {
    name: string
    namespace: string
    uid: string
    resourceVersion: string
    generation: number
    creationTimestamp: string
    deletionTimestamp?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    finalizers?: string[]
    ownerReferences?: { kind: string; name: string; uid: string }[]
    managedFields?: { manager: string; time: string; operation: string }[]
  }
}

export interface Answer<T> {
  status: number
  body: T
}

export interface Api {
  /** Sends a request and gives back status and body, whatever the status is. */
  send<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer<T>>
  /** Sends a request that must succeed. Throws with the server's words when it doesn't. */
  ask<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T>
  /** Follows a collection until `stop`; calls back for each version of each object. */
  follow<T extends Seen>(path: string, onObject: (object: T, gone: boolean) => void): { synced: Promise<void>; stop: () => void }
}

export const MERGE = 'application/merge-patch+json'
export const JSON_PATCH = 'application/json-patch+json'

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Connects to the API server that a kubeconfig names. */
export async function connectApi(kubeconfig: string): Promise<Api> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error(`${kubeconfig} names no current cluster`)
  const common: https.RequestOptions = {}
  await config.applyToHTTPSOptions(common)
  const agent = new https.Agent({ keepAlive: true, maxSockets: 32, ...tls(common) })

  function open(method: string, path: string, body: unknown, contentType: string): Promise<import('node:http').IncomingMessage> {
    const headers = { ...common.headers, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': contentType }) }
    return new Promise((resolve, reject) => {
      const options: https.RequestOptions = { ...common, agent, method, headers: headers as Record<string, string> }
      const request = https.request(new URL(path, server), options, resolve)
      request.setTimeout(path.includes('watch=true') ? 0 : TIMEOUT_MS, () => request.destroy(new Error(`${method} ${path}: no answer`)))
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  async function send<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer<T>> {
    const response = await open(method, path, body, contentType)
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string
    return { status: response.statusCode ?? 0, body: parse(text) as T }
  }

  async function ask<T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> {
    const answer = await send<T>(method, path, body, contentType)
    if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  return { send, ask, follow: (path, onObject) => follow(ask, open, path, onObject) }
}

function tls(options: https.RequestOptions): https.AgentOptions {
  const { ca, cert, key, rejectUnauthorized } = options
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
}

interface Listed<T> {
  metadata: { resourceVersion: string }
  items: T[]
}

function follow<T extends Seen>(
  ask: Api['ask'],
  open: (method: string, path: string, body: unknown, contentType: string) => Promise<import('node:http').IncomingMessage>,
  path: string,
  onObject: (object: T, gone: boolean) => void,
): { synced: Promise<void>; stop: () => void } {
  let stopped = false
  let close = () => {}
  const { promise: synced, resolve: tellSynced } = Promise.withResolvers<void>()

  async function once(): Promise<void> {
    const list = await ask<Listed<T>>('GET', path)
    for (const item of list.items) onObject(item, false)
    const query = `watch=true&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=${WATCH_SECONDS}`
    const response = await open('GET', `${path}?${query}`, undefined, '')
    close = () => response.destroy()
    tellSynced()
    let rest = ''
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (rest + (chunk as string)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter((each) => each !== '')) {
        const event = JSON.parse(line) as { type: string; object: T }
        if (event.type !== 'ERROR' && event.type !== 'BOOKMARK') onObject(event.object, event.type === 'DELETED')
      }
    }
  }

  void (async () => {
    while (!stopped) {
      await once().catch((error: unknown) => {
        if (!stopped) console.error(`following ${path}: ${String(error)}`)
      })
      if (!stopped) await sleep(RETRY_MS)
    }
  })()
  return {
    synced,
    stop() {
      stopped = true
      close()
    },
  }
}
