import { isNode, LineCounter, parse, parseAllDocuments, parseDocument } from 'yaml'
import { BailiwickError, describeError } from '../../core/errors.ts'

/** A manifest folder of a world is small; a file larger than this is a mistake. */
const MAX_BYTES = 1_048_576
/** kubectl and helm read this version, where a bare `y` is the word true: a file must mean the same to everybody. */
const VERSION = '1.1'
/** Aliases make small texts large. */
const MAX_ALIASES = 100

/** The one document of `text` as plain data. `source` names it in the error. Throws InvalidInput with line and column. */
export function parseYaml(text: string, source: string): unknown {
  return guarded(text, source, () => parse(text, { version: VERSION, maxAliasCount: MAX_ALIASES }) as unknown)
}

/** Every document of `text` (divided by `---`) as plain data; empty ones are left out. Throws InvalidInput with line and column. */
export function parseManifests(text: string, source: string): readonly unknown[] {
  return guarded(text, source, () => {
    const documents = parseAllDocuments(text, { version: VERSION })
    const found: unknown[] = []
    // The library answers an empty array with properties of a document when there is none: iterating is right in both cases.
    for (const document of documents) {
      const [error] = document.errors
      if (error !== undefined) throw error
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
      if (value !== null && value !== undefined) found.push(value)
    }
    return found
  })
}

/**
 * The one document of a text that nobody else reads, so that it is YAML 1.2, where a bare `y` is a text; and a function that says on which line (from 1) a value stands, by
 * the names and places that lead to it: the nearest line that there is. Throws InvalidInput with line and column.
 */
export function parseYamlWithLines(
  text: string,
  source: string,
): { readonly value: unknown; readonly lineOf: (path: readonly (string | number)[]) => number } {
  return guarded(text, source, () => {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines })
    const [error] = document.errors
    if (error !== undefined) throw error
    const lineOf = (path: readonly (string | number)[]): number => {
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true)
        if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
      }
      return 1
    }
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, lineOf }
  })
}

function guarded<T>(text: string, source: string, read: () => T): T {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new BailiwickError('InvalidInput', {
      asked: source,
      found: `${Buffer.byteLength(text)} bytes`,
      todo: `write at most ${MAX_BYTES} bytes a file`,
    })
  }
  try {
    return read()
  } catch (error) {
    throw new BailiwickError('InvalidInput', { asked: source, found: describeError(error), todo: 'correct the YAML', cause: error })
  }
}
