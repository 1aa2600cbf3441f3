import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const folder = join(import.meta.dirname, '../../../zone-server/simulation')
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
/** Exact on every machine: IEEE 754 prescribes their results to the last bit. */
const exactMath = new Set(['abs', 'floor', 'trunc', 'ceil', 'sign', 'min', 'max', 'imul'])

const forbidden: readonly (readonly [string, RegExp])[] = [
  ['the time', /\b(Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ['I/O', /\b(process|console|fetch|Buffer|require)\b|from 'node:/],
  ['waiting', /\b(async|await|Promise)\b/],
  ['chance', /\b(crypto|randomUUID)\b/],
  ['the locale', /\b(Intl|toLocale\w*|localeCompare)\b/],
  ['a way around these rules', /\bglobalThis\b|\beval\b|\bFunction\(|\bMath\[|= Math\b(?!\.)|\bimport\(/],
  ['state outside of the state', /^(export )?let /m],
  ['powers', /\*\*/],
]

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}

describe('the simulation is pure', () => {
  it('has files to look at', () => expect(files.length).toBeGreaterThan(8))

  it('and the rules find what they forbid', () => {
    const impure = "Date.now(); process.exit(); Promise.all(); crypto.x; 'a'.localeCompare('b'); 2 ** 3; globalThis.x\nlet x = 1"
    expect(forbidden.filter(([, pattern]) => !pattern.test(impure))).toEqual([])
  })

  for (const file of files) {
    it(file, () => {
      const source = withoutComments(readFileSync(join(folder, file), 'utf8'))
      expect(forbidden.flatMap(([what, pattern]) => (pattern.test(source) ? [what] : []))).toEqual([])
      const mathematics = [...source.matchAll(/\bMath\.(\w+)/g)].map((match) => match[1] ?? '')
      expect(mathematics.filter((name) => !exactMath.has(name))).toEqual([])
      const imports = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1] ?? '')
      const reached = imports.map((from) =>
        from.startsWith('.') ? normalize(join(dirname(join('zone-server/simulation', file)), from)) : from,
      )
      expect(reached.filter((from) => !/^(core|zone-server\/simulation)\//.test(from))).toEqual([])
    })
  }
})
