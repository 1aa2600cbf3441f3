import { describe, expect, it } from 'vitest'
import { importsOf, isErasable, sources } from './sources.ts'

/** The programs. Each stands alone: they meet only over the network, the index and the store. */
const programs = [
  'operator',
  'zone-server',
  'services/allocator',
  'services/auth',
  'services/characters',
  'services/account',
  'services/backup',
  'client',
  'dev',
]

/** Which folder may import a library; everybody else goes through that folder. */
const homes: Readonly<Record<string, string>> = {
  zod: 'core/validate',
  '@bufbuild/protobuf': 'core/protocol',
  express: 'platform/http',
  pino: 'platform/log',
  'prom-client': 'platform/metrics',
  jose: 'platform/tokens',
  'openid-client': 'platform/oidc',
  yaml: 'platform/yaml',
  redis: 'platform/redis',
  mongodb: 'platform/mongo',
  'node:sqlite': 'platform/sqlite',
  '@kubernetes/client-node': 'platform/kubernetes',
  '@google-cloud/agones-sdk': 'platform/agones',
}

const files = sources()
const product = files.filter((file) => !file.path.startsWith('test/') && !file.path.startsWith('scripts/'))

function programOf(path: string): string | undefined {
  return programs.find((program) => path.startsWith(`${program}/`))
}

function layerOf(path: string): 'core' | 'platform' | 'program' {
  if (path.startsWith('core/')) return 'core'
  return path.startsWith('platform/') ? 'platform' : 'program'
}

const packageOf = (specifier: string): string =>
  specifier.startsWith('node:')
    ? specifier
    : specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')

const height = { core: 0, platform: 1, program: 2 }

describe('architecture', () => {
  it('reads real imports', () => {
    expect(
      importsOf(
        'a/b.ts',
        "import { x } from '../c/d.ts'\nimport type { Y } from 'zod'\nexport * from './e.ts'\nawait import('node:fs')\nnew URL('./w.ts', import.meta.url)",
      ),
    ).toEqual([
      { specifier: '../c/d.ts', file: 'c/d.ts', typeOnly: false },
      { specifier: 'zod', file: undefined, typeOnly: true },
      { specifier: './e.ts', file: 'a/e.ts', typeOnly: false },
      { specifier: 'node:fs', file: undefined, typeOnly: false },
      { specifier: './w.ts', file: 'a/w.ts', typeOnly: false },
    ])
    expect(product.length).toBeGreaterThan(20)
    expect(product.flatMap((file) => file.imports).filter((entry) => entry.file !== undefined).length).toBeGreaterThan(50)
  })

  it('imports go one way: programs, platform, core', () => {
    const wrong = product.flatMap((file) =>
      file.imports
        .filter((entry) => entry.file !== undefined && height[layerOf(entry.file)] > height[layerOf(file.path)])
        .map((entry) => `${file.path} imports ${entry.file}`),
    )
    expect(wrong).toEqual([])
  })

  it('programs never import each other; only dev/ may, and the command over what services keep of an account', () => {
    const wrong = product.flatMap((file) => {
      const own = programOf(file.path)
      if (own === undefined || own === 'dev') return []
      const over = own === 'services/account' ? ['services/auth', 'services/characters'] : []
      return file.imports.flatMap((entry) => {
        const other = entry.file === undefined ? undefined : programOf(entry.file)
        return other === undefined || other === own || over.includes(other) ? [] : [`${file.path} imports ${entry.file}`]
      })
    })
    expect(wrong).toEqual([])
  })

  it('the product never imports tests or scripts', () => {
    const wrong = product.flatMap((file) =>
      file.imports.filter((entry) => /^(test|scripts)\//.test(entry.file ?? '')).map((entry) => `${file.path} imports ${entry.file}`),
    )
    expect(wrong).toEqual([])
  })

  it('core does no input or output', () => {
    const wrong = product
      .filter((file) => file.path.startsWith('core/'))
      .flatMap((file) =>
        file.imports.filter((entry) => entry.specifier.startsWith('node:')).map((entry) => `${file.path} imports ${entry.specifier}`),
      )
    expect(wrong).toEqual([])
  })

  it('each library is imported by one folder', () => {
    const wrong = product.flatMap((file) =>
      file.imports
        .filter((entry) => entry.file === undefined && (!entry.specifier.startsWith('node:') || packageOf(entry.specifier) in homes))
        .filter((entry) => {
          const home = homes[packageOf(entry.specifier)]
          return home === undefined || !file.path.startsWith(`${home}/`)
        })
        .map((entry) => `${file.path} imports ${entry.specifier}`),
    )
    expect(wrong).toEqual([])
  })

  it('has no import cycles', () => {
    const graph = new Map(
      files.map((file) => [file.path, file.imports.flatMap((entry) => (entry.file === undefined || entry.typeOnly ? [] : [entry.file]))]),
    )
    expect(findCycle(graph)).toBeUndefined()
    expect(
      findCycle(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a']],
        ]),
      ),
    ).toEqual(['a', 'b', 'c', 'a'])
  })

  it('uses only syntax that Node can erase', () => {
    expect(isErasable('enum A { B }')).toBe(false)
    expect(files.filter((file) => !isErasable(file.text)).map((file) => file.path)).toEqual([])
  })
})

function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (node: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
    if (done.has(node)) return undefined
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node])
      if (cycle !== undefined) return cycle
    }
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const cycle = visit(node, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
