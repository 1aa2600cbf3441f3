import type { ErrorCode } from '../../core/errors.ts'
import { catalogue } from '../../core/errors.ts'
import { z } from '../../core/validate/index.ts'
import { documentPath, type Link, linksOf } from './links.ts'

export interface OpenApiInfo {
  readonly title: string
  readonly description?: string
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** A header that a route heeds, where there is more to say than what for. */
export interface HeededHeader {
  readonly says: string
  /** A request without it is refused. */
  readonly required?: true
  /** One of another form is refused. */
  readonly pattern?: RegExp
  readonly example?: string
}

/** What the document says of one route; taken from the very schemas that check it. */
export interface RouteDescription {
  readonly method: Method
  /** As Express writes it, with `:name` parts. */
  readonly path: string
  readonly summary: string
  readonly params: z.ZodType | undefined
  readonly query: z.ZodType | undefined
  readonly body: z.ZodType | undefined
  readonly authenticated: boolean
  readonly status: number
  readonly answer: z.ZodType | undefined
  readonly errors: readonly ErrorCode[]
  readonly also: Readonly<Record<number, string>>
  readonly stream: string | undefined
  readonly says: Readonly<Record<string, string>>
  readonly heeds: Readonly<Record<string, string | HeededHeader>>
  readonly links: Readonly<Record<string, Link>>
}

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 document of these routes. */
export function openApiDocument(info: OpenApiInfo, routes: readonly RouteDescription[]): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    const path = documentPath(route.path)
    paths[path] = { ...paths[path], [route.method]: operation(route, routes) }
  }
  return {
    openapi: '3.1.0',
    info: { ...info, version: 'v1' },
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

function operation(route: RouteDescription, routes: readonly RouteDescription[]): Json {
  const parameters = [...parametersOf('path', route.params), ...parametersOf('query', route.query), ...headersHeeded(route.heeds)]
  return {
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } }),
    ...(route.authenticated ? { security: [{ accessToken: [] }] } : {}),
    responses: responsesOf(route, routes),
  }
}

function responsesOf(route: RouteDescription, routes: readonly RouteDescription[]): Json {
  const answer = route.answer === undefined ? {} : { 'application/json': { schema: schemaOf(route.answer, 'output') } }
  const stream = route.stream === undefined ? {} : { 'text/event-stream': { schema: { type: 'string', description: route.stream } } }
  const content = { ...answer, ...stream }
  const responses: Record<string, Json> = {
    [route.status]: {
      description: route.summary,
      headers: { ...requestIdHeader, ...headersSaid(route.says) },
      ...(Object.keys(content).length === 0 ? {} : { content }),
      ...(Object.keys(route.links).length === 0 ? {} : { links: linksOf(route.links, routes) }),
    },
  }
  for (const [status, description] of Object.entries(route.also))
    responses[status] = { description, headers: { ...requestIdHeader, ...headersSaid(route.says) } }
  const codes = new Set<ErrorCode>([...faultsOf(route), ...route.errors])
  for (const [status, group] of Map.groupBy(codes, (code) => catalogue[code].status)) responses[status] = problemOf(status, group)
  return responses
}

/** What follows from the shape of a route. */
function faultsOf({ authenticated, body }: RouteDescription): readonly ErrorCode[] {
  return [
    'InvalidInput',
    ...(body === undefined ? [] : (['PayloadTooLarge'] as const)),
    ...(authenticated ? (['Unauthenticated', 'Busy'] as const) : []),
  ]
}

function problemOf(status: number, codes: readonly ErrorCode[]): Json {
  const [first] = codes
  const example = first && {
    type: `urn:bailiwick:error:${first}`,
    title: catalogue[first].title,
    status,
    code: first,
    instance: '/',
    requestId: 'a1',
  }
  return {
    description: codes.map((code) => `${code}: ${catalogue[code].title}`).join('. '),
    headers: {
      ...requestIdHeader,
      ...(status === 429 || status === 503 ? headersSaid({ 'retry-after': 'After how many seconds another try makes sense' }) : {}),
      ...(status === 401 ? headersSaid({ 'www-authenticate': 'Bearer' }) : {}),
    },
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example } },
  }
}

const requestIdHeader = headersSaid({ 'x-request-id': 'The id of this request, also in the log: the one that was sent, or a new one' })

function headersSaid(headers: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]))
}

function headersHeeded(headers: RouteDescription['heeds']): Json[] {
  return Object.entries(headers).map(([name, header]) => {
    const { says, required, pattern, example }: HeededHeader = typeof header === 'string' ? { says: header } : header
    const schema = { type: 'string', ...(pattern && { pattern: pattern.source }) }
    return { name, in: 'header', description: says, ...(required && { required }), ...(example && { example }), schema }
  })
}

function parametersOf(place: 'path' | 'query', schema: z.ZodType | undefined): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: Json; required?: string[] }
  return Object.entries(properties).map(([name, part]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: part,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}

const problemSchema = {
  type: 'object',
  description: 'An error (RFC 9457)',
  required: ['type', 'title', 'status', 'code', 'instance', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(catalogue) },
    detail: { type: 'string' },
    instance: { type: 'string' },
    requestId: { type: 'string' },
    queue: {
      type: 'object',
      description: 'NoCapacity: the place in the queue for a host',
      required: ['length'],
      properties: {
        place: { type: 'integer', minimum: 1, description: '1 is next; absent: the queue is full, and this one is not in it' },
        length: { type: 'integer', minimum: 0, description: 'So many wait' },
      },
    },
  },
} as const
