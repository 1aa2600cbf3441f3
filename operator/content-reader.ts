import { createHash } from 'node:crypto'
import { canonicalContent, checkContent } from '../core/content.ts'
import { BailiwickError } from '../core/errors.ts'
import { parseYamlWithLines } from '../platform/yaml/index.ts'

/** The keys of a ConfigMap with a zone's content. */
const CONTENT_KEY = 'content.yaml'
const MAP_KEY = 'map.txt'

export interface ReadContent {
  /** Names it: the same for the same content, however it was written. */
  readonly hash: string
  /** What hosts read. */
  readonly text: string
}

/**
 * Reads a zone's content from a ConfigMap's files: `content.yaml` with the fields of core/content.ts, and, if it says where a map lies but not its rows, `map.txt` with
 * one row a line. Throws InvalidInput that names the key, the line and what is wrong there. Pure.
 */
export function readContent(files: Readonly<Record<string, string>>): ReadContent {
  const stray = Object.keys(files).find((key) => key !== CONTENT_KEY && key !== MAP_KEY)
  if (stray !== undefined) throw invalid(`key ${stray}`, `it is neither ${CONTENT_KEY} nor ${MAP_KEY}`)
  const source = files[CONTENT_KEY]
  if (source === undefined) throw invalid(`key ${CONTENT_KEY}`, 'there is none')
  const { value, lineOf } = parseYamlWithLines(source, CONTENT_KEY)
  const rows = files[MAP_KEY] === undefined ? undefined : rowsOf(files[MAP_KEY])
  // An empty text is an empty world.
  const checked = checkContent(withRows(value ?? {}, rows, lineOf))
  if ('problem' in checked) {
    const { path, found } = checked.problem
    const [first, second, row] = path
    if (rows !== undefined && first === 'map' && second === 'rows')
      throw invalid(`${MAP_KEY}${typeof row === 'number' ? ` line ${row + 1}` : ''}`, found)
    throw invalid(`${CONTENT_KEY} line ${lineOf(path)}: ${path.join('.') || 'the whole'}`, found)
  }
  const text = canonicalContent(checked.content)
  return { hash: createHash('sha256').update(text).digest('hex').slice(0, 32), text }
}

function withRows(value: unknown, rows: readonly string[] | undefined, lineOf: (path: readonly string[]) => number): unknown {
  if (rows === undefined) return value
  const map = isRecord(value) ? value['map'] : undefined
  if (!isRecord(value) || !isRecord(map)) throw invalid(MAP_KEY, `${CONTENT_KEY} does not say where it lies: add map with cell and origin`)
  if (map['rows'] !== undefined)
    throw invalid(`${CONTENT_KEY} line ${lineOf(['map', 'rows'])}: map.rows`, `the rows are in ${MAP_KEY} as well: take one of them out`)
  return { ...value, map: { ...map, rows } }
}

/** The lines of a text, without the end of the last. */
function rowsOf(text: string): readonly string[] {
  return text.replace(/\r?\n$/, '').split(/\r?\n/)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(asked: string, found: string): BailiwickError {
  return new BailiwickError('InvalidInput', { asked, found })
}
