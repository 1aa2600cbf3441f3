import { BailiwickError } from '../../core/errors.ts'

type Json = Readonly<Record<string, unknown>>

/** How an answer leads to another question (OpenAPI 3.1, Link Object). */
export interface Link {
  readonly summary: string
  /** The question: method in lower case and path as the route has them. */
  readonly to: `${'get' | 'post' | 'put' | 'patch' | 'delete'} /${string}`
  /** Its parameters, by name: runtime expressions, as `$response.body#/character/id`. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Its body, with runtime expressions for values. */
  readonly body?: Json
}

/** The links as the document has them. Throws ConfigInvalid when one leads to a question that there is not. */
export function linksOf(
  links: Readonly<Record<string, Link>>,
  routes: readonly { readonly method: string; readonly path: string }[],
): Json {
  const written = Object.entries(links).map(([name, { summary, to, parameters, body }]) => {
    const target = routes.find((route) => to === `${route.method} ${route.path}`)
    if (target === undefined)
      throw new BailiwickError('ConfigInvalid', {
        asked: `the link ${name}`,
        found: `no route ${to}`,
        todo: 'name one of this application',
      })
    const operationRef = `#/paths/${documentPath(target.path).replaceAll('/', '~1')}/${target.method}`
    return [name, { description: summary, operationRef, ...(parameters && { parameters }), ...(body && { requestBody: body }) }]
  })
  return Object.fromEntries(written)
}

/** A route's path as OpenAPI writes it. */
export function documentPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}')
}
