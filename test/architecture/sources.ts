import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, normalize } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

export interface SourceFile {
  /** Path from the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  /** The imported file's path from the root, for relative imports. */
  readonly file: string | undefined
  readonly typeOnly: boolean
}

const folders = ['core', 'platform', 'operator', 'zone-server', 'services', 'client', 'dev', 'scripts', 'test']
const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\sfrom\s+)?['"]([^'"]+)['"]/g
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
const workerUrl = /new URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url\s*\)/g

/** Every TypeScript source of the project with its imports, as they stand in the text. */
export function sources(): readonly SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root, exclude: (name) => name === 'node_modules' || name === 'generated' }))
    .filter((path) => !path.endsWith('.d.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, imports: importsOf(path, text) }
    })
}

/** The imports of one file: static, dynamic, re-exports and worker URLs. */
export function importsOf(path: string, text: string): readonly Import[] {
  const found: Import[] = []
  const add = (specifier: string, typeOnly: boolean) => {
    const file = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined
    found.push({ specifier, file, typeOnly })
  }
  for (const match of text.matchAll(statement)) add(match[2] ?? '', match[1] !== undefined)
  for (const match of text.matchAll(dynamic)) add(match[1] ?? '', false)
  for (const match of text.matchAll(workerUrl)) add(match[1] ?? '', false)
  return found
}

/** True when Node can run the text by dropping its types alone. */
export function isErasable(text: string): boolean {
  try {
    stripTypeScriptTypes(text)
    return true
  } catch {
    return false
  }
}
