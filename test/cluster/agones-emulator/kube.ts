import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { KubeObject } from './types.ts'

const ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Kubernetes renews a pod's token well before its end; a minute is often enough to read it again. */
const TOKEN_READ_EVERY_MS = 60_000
const REQUEST_TIMEOUT_MS = 15_000
/** A watch that is silent for longer than its own end plus this has lost its connection. */
const WATCH_GRACE_MS = 30_000

/** What the API server refused, with its own words. */
export class KubeError extends Error {
  readonly code: number
  readonly reason: string

  constructor(code: number, reason: string, message: string) {
    super(message)
    this.name = 'KubeError'
    this.code = code
    this.reason = reason
  }
}

export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  object: T
}

export interface List<T> {
  metadata: { resourceVersion: string; continue?: string }
  items: T[]
}

export type Query = Record<string, string>

export interface RequestOptions {
  query?: Query
  body?: unknown
  contentType?: string
}

export interface KubeClient {
  /** Sends one request and gives back the parsed answer. Throws KubeError when the server refuses, Error when it can't be reached. */
  request<T>(method: string, path: string, options?: RequestOptions): Promise<T>
  /** Calls back for each event until the server ends the watch, and then returns. Throws when the watch breaks. */
  watch<T extends KubeObject>(path: string, query: Query, timeoutSeconds: number, onEvent: (event: WatchEvent<T>) => void): Promise<void>
}

/** Gives the path of a collection or object: group '' is the core group. */
export function resourcePath(resource: {
  group: string
  version: string
  plural: string
  namespace?: string | undefined
  name?: string
  sub?: string
}): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const namespace = resource.namespace === undefined ? '' : `/namespaces/${resource.namespace}`
  const name = resource.name === undefined ? '' : `/${resource.name}`
  const sub = resource.sub === undefined ? '' : `/${resource.sub}`
  return `${root}${namespace}/${resource.plural}${name}${sub}`
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function refusal(status: number, text: string): KubeError {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string }
    return new KubeError(status, body.reason ?? '', body.message ?? text)
  } catch {
    return new KubeError(status, '', text.slice(0, 500))
  }
}

/** Connects with the pod's own service account. Throws when this process doesn't run in a pod. */
export function inClusterClient(): KubeClient {
  const host = process.env['KUBERNETES_SERVICE_HOST']
  const port = process.env['KUBERNETES_SERVICE_PORT'] ?? '443'
  if (host === undefined) throw new Error('KUBERNETES_SERVICE_HOST is not set: this program runs in a pod only')
  const agent = new https.Agent({ keepAlive: true, ca: readFileSync(`${ACCOUNT_DIR}/ca.crt`), maxSockets: 64 })
  let token = ''
  let tokenReadAt = Number.NEGATIVE_INFINITY

  function headers(contentType: string | undefined, body: string | undefined): Record<string, string> {
    if (performance.now() - tokenReadAt > TOKEN_READ_EVERY_MS) {
      token = readFileSync(`${ACCOUNT_DIR}/token`, 'utf8').trim()
      tokenReadAt = performance.now()
    }
    const always = { authorization: `Bearer ${token}`, accept: 'application/json' }
    if (body === undefined) return always
    // Node leaves the length of a DELETE's body out, and the server would read the body as the next request.
    return { ...always, 'content-type': contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(body)) }
  }

  function open(method: string, path: string, options: RequestOptions, timeoutMs: number): Promise<IncomingMessage> {
    const search = new URLSearchParams(options.query ?? {}).toString()
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    const target = {
      host,
      port,
      agent,
      method,
      path: search === '' ? path : `${path}?${search}`,
      headers: headers(options.contentType, body),
    }
    return new Promise((resolve, reject) => {
      const request = https.request(target, resolve)
      request.setTimeout(timeoutMs, () => request.destroy(new Error(`${method} ${path}: nothing heard for ${timeoutMs} ms`)))
      request.on('error', reject)
      request.end(body)
    })
  }

  return {
    async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
      const response = await open(method, path, options, REQUEST_TIMEOUT_MS)
      const text = await readAll(response)
      const status = response.statusCode ?? 0
      if (status < 200 || status > 299) throw refusal(status, text)
      return JSON.parse(text) as T
    },
    async watch<T extends KubeObject>(path: string, query: Query, timeoutSeconds: number, onEvent: (event: WatchEvent<T>) => void) {
      const all = { ...query, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds) }
      const response = await open('GET', path, { query: all }, timeoutSeconds * 1000 + WATCH_GRACE_MS)
      const status = response.statusCode ?? 0
      if (status !== 200) throw refusal(status, await readAll(response))
      response.setEncoding('utf8')
      let rest = ''
      for await (const chunk of response) {
        const lines = (rest + (chunk as string)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') onEvent(JSON.parse(line) as WatchEvent<T>)
      }
    },
  }
}
