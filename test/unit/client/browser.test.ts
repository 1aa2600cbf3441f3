import { expect, it } from 'vitest'
import { isErasable, sources } from '../../architecture/sources.ts'

const files = new Map(sources().map((file) => [file.path, file]))

/** Every file and library that a browser loads for this file. Types are erased before. */
function loadedFor(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { file, specifier, typeOnly } of files.get(path)?.imports ?? []) {
    if (typeOnly) continue
    if (file === undefined) seen.add(specifier)
    else loadedFor(file, seen)
  }
  return seen
}

it('the library loads in a browser: core and itself, one library behind core/protocol, no built-in of Node', () => {
  const loaded = [...loadedFor('client/index.ts')]
  expect(loaded).toContain('client/zone-session.ts')
  expect(loaded.filter((path) => !/^(client|core)\//.test(path))).toEqual(['@bufbuild/protobuf'])
  expect(loaded.filter((path) => path === 'client/tcp.ts' || path === 'client/main.ts' || path.startsWith('client/command/'))).toEqual([])
  for (const path of loaded) {
    const text = files.get(path)?.text
    if (text !== undefined) expect([path, isErasable(text)]).toEqual([path, true])
    // Globals that only Node has.
    expect([path, /\b(process|Buffer|__dirname|require)\b[.(]/.test(text ?? '')]).toEqual([path, false])
  }
})
