import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import { catalogue, type ErrorCode } from '../../../core/errors.ts'
import { silentLog } from '../../../core/ports/log-port.ts'
import type { HttpApp } from '../../../platform/http/index.ts'
import { createMemoryIndex } from '../../../platform/memory/memory-index.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createSqliteStore } from '../../../platform/sqlite/index.ts'
import { createTokenSigner, createTokenVerifier } from '../../../platform/tokens/index.ts'
import { createAllocatorApp } from '../../../services/allocator/app.ts'
import { createAuthApp } from '../../../services/auth/app.ts'
import { createCharactersApp } from '../../../services/characters/app.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/api.md'), 'utf8')
const log = silentLog

/** What docs/api.md says of a route. */
interface Section {
  readonly route: string
  readonly text: string
}

const sections: readonly Section[] = page.split(/^(?=###? )/m).flatMap(
  (text) =>
    /^### `([^`]+)`/
      .exec(text)
      ?.slice(1, 2)
      .map((route) => ({ route, text })) ?? [],
)

interface Route {
  readonly route: string
  readonly status: number
  readonly errors: readonly ErrorCode[]
}

/** What the services really have. */
const routes: readonly Route[] = (await apps()).flatMap(({ inside }) =>
  inside.described.map(({ method, path, status, errors }) => {
    const common = new Set<string>(['TooManyRequests', 'Timeout', 'Internal'])
    return {
      route: `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
      status,
      errors: errors.filter((code) => !common.has(code)),
    }
  }),
)

async function apps(): Promise<readonly HttpApp[]> {
  const index = createMemoryIndex({ clock: systemClock })
  const store = await createSqliteStore({ file: ':memory:' })
  const signer = await createTokenSigner()
  const verifier = createTokenVerifier({ keys: signer.publicJwks() })
  const { app, internal } = createAllocatorApp({ index, verifier, clock: systemClock, log, metrics: createMetrics('allocator') })
  return [
    app,
    internal,
    createAuthApp({ store, index, signer, log, metrics: createMetrics('auth') }),
    createCharactersApp({ store, index, verifier, log, metrics: createMetrics('characters') }),
  ]
}

describe('docs/api.md', () => {
  it('has a section for each route that there is, and for no other: add or remove its "### `METHOD /path`"', () => {
    expect(sections.map(({ route }) => route).toSorted()).toEqual(routes.map(({ route }) => route).toSorted())
  })

  it.each(routes)('tells of $route: an example, the answer, and every error that is its own', ({ route, status, errors }) => {
    const text = sections.find((section) => section.route === route)?.text ?? ''
    const [method = '', path = ''] = route.split(' ')
    const [, example = ''] = /```sh\n([\s\S]*?)```/.exec(text) ?? []
    expect(example).toContain('curl -s')
    // As it is asked, with values for the parts that are not fixed.
    expect(example).toMatch(new RegExp(path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/ ?"]+')))
    expect(/-X (\w+)/.exec(example)?.[1] ?? (example.includes(' -d ') ? 'POST' : 'GET')).toBe(method)
    expect(text).toMatch(new RegExp(`^${status}[:.;]`, 'm'))
    for (const code of errors) {
      expect(text, `${code} is told`).toContain(`\`${code}\``)
      expect(text, `with its status`).toContain(String(catalogue[code].status))
    }
  })

  it('names no error that there is not', () => {
    const named = [...page.matchAll(/\b[45]\d\d `(\w+)`/g)].map(([, code]) => code ?? '')
    expect(named.length).toBeGreaterThan(10)
    for (const code of named) expect(Object.keys(catalogue)).toContain(code)
  })
})
