import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { GameServerState } from '../types.ts'
import { InvalidArgument, type SdkService } from './service.ts'
import { viewOf } from './view.ts'

const BODY_BYTES = 64_000
const INVALID_ARGUMENT = 3
const NOT_FOUND = 5
const INTERNAL = 13

const WISHES: Record<string, GameServerState> = { '/ready': 'RequestReady', '/allocate': 'Allocated', '/shutdown': 'Shutdown' }

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  answer(response, status, { code, message, details: [] })
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > BODY_BYTES) throw new InvalidArgument(`the body is longer than ${BODY_BYTES} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): Record<string, unknown> {
  try {
    return text.trim() === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  } catch (error) {
    throw new InvalidArgument(`the body is no JSON: ${String(error)}`)
  }
}

function watch(service: SdkService, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const stop = service.watch((server) => response.write(`${JSON.stringify({ result: viewOf(server) })}\n`))
  request.once('close', stop)
}

function setMetadata(service: SdkService, path: string, body: Record<string, unknown>): void {
  const key = String(body['key'] ?? '')
  const value = String(body['value'] ?? '')
  if (path === '/metadata/label') service.setLabel(key, value)
  else service.setAnnotation(key, value)
}

async function handle(service: SdkService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const route = `${request.method} ${path}`
  if (route === 'GET /gameserver') return answer(response, 200, viewOf(service.gameServer()))
  if (route === 'GET /watch/gameserver') return watch(service, request, response)
  const text = await readBody(request)
  const body = parsed(text)
  const state = request.method === 'POST' ? WISHES[path] : undefined
  if (state !== undefined) service.wish(state)
  else if (route === 'POST /reserve') service.wish('Reserved', Number(body['seconds'] ?? 0))
  else if (route === 'POST /health') {
    if (text === '') {
      response.writeHead(400).end()
      return
    }
    service.ping()
  } else if (route === 'PUT /metadata/label' || route === 'PUT /metadata/annotation') setMetadata(service, path, body)
  else return refuse(response, 404, NOT_FOUND, 'Not Found')
  answer(response, 200, {})
}

/** Serves the SDK over HTTP on the loopback interface. */
export function serveRest(service: SdkService, port: number): http.Server {
  const server = http.createServer((request, response) => {
    handle(service, request, response).catch((error: unknown) => {
      const invalid = error instanceof InvalidArgument
      const message = error instanceof Error ? error.message : String(error)
      refuse(response, invalid ? 400 : 500, invalid ? INVALID_ARGUMENT : INTERNAL, message)
    })
  })
  return server.listen(port, 'localhost')
}
