import { describe, expect, test } from 'vitest'
import { readContent } from '../../../operator/content-reader.ts'

const map = 'map:\n  cell: 2\n  origin: { x: 0, y: 0 }\n'

describe('content of a ConfigMap', () => {
  test('has one hash, however it was written', () => {
    const one = readContent({ 'content.yaml': `# a place\nspawns: [{ x: 1, y: 2 }]\n${map}`, 'map.txt': '.#\n..\n' })
    const two = readContent({
      'content.yaml': '{ map: { origin: { y: 0, x: 0 }, rows: [".#", ".."], cell: 2 }, spawns: [{ "y": 2, x: 1 }] }',
    })
    const other = readContent({ 'content.yaml': `spawns: [{ x: 1, y: 2 }]\n${map}`, 'map.txt': '.#\n.#' })
    expect(one).toEqual(two)
    expect(one.hash).toMatch(/^[0-9a-f]{32}$/)
    expect(other.hash).not.toBe(one.hash)
    expect(JSON.parse(one.text)).toEqual({ map: { cell: 2, origin: { x: 0, y: 0 }, rows: ['.#', '..'] }, spawns: [{ x: 1, y: 2 }] })
    expect(JSON.parse(readContent({ 'content.yaml': '' }).text)).toEqual({})
  })

  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['no content.yaml', { 'map.txt': '.' }, /key content\.yaml.*there is none/],
    ['a key that is none of ours', { 'content.yaml': '', 'contents.yaml': '' }, /key contents\.yaml.*neither/],
    ['no YAML', { 'content.yaml': 'spawns: [\n  }' }, /content\.yaml.*line 2/],
    [
      'a number out of range',
      { 'content.yaml': '\nprops:\n  - kind: well\n    at: { x: 0, y: 3000000 }\n' },
      /content\.yaml line 4: props\.0\.at\.y/,
    ],
    ['a missing field', { 'content.yaml': 'creatures:\n  - kind: wolf\n    count: 2\n' }, /content\.yaml line 2: creatures\.0\.home/],
    ['a misspelled field', { 'content.yaml': 'spawns: []\nspawn: []\n' }, /content\.yaml line 2: spawn;.*spawn/],
    ['a list', { 'content.yaml': '- 1\n' }, /content\.yaml line 1: the whole/],
    ['a map that lies nowhere', { 'content.yaml': 'spawns: []', 'map.txt': '.#' }, /map\.txt.*where it lies/],
    ['rows twice', { 'content.yaml': `${map}  rows: ["."]`, 'map.txt': '.' }, /content\.yaml line 4: map\.rows.*map\.txt/],
    ['an uneven map', { 'content.yaml': map, 'map.txt': '..\n..\n.' }, /map\.txt line 3.*1 cells where the first has 2/],
    ['another character', { 'content.yaml': map, 'map.txt': '..\n.x\n' }, /map\.txt line 2.*\. and #/],
    ['an empty map', { 'content.yaml': map, 'map.txt': '' }, /map\.txt line 1/],
  ])('is refused with %s', (_name, files, says) => {
    expect(() => readContent(files)).toThrow(says)
    expect(() => readContent(files)).toThrow(expect.objectContaining({ code: 'InvalidInput' }))
  })
})
