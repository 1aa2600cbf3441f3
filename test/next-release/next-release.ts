import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { edits } from './edits.ts'

const root = join(import.meta.dirname, '..', '..')
/** What programs are made of. */
const parts = ['package.json', 'core', 'platform', 'operator', 'zone-server', 'services', 'client', 'crds']

/**
 * Writes the sources of a next release into an empty folder: these, with the edits. Programs run from there as from here. Types are not changed: nothing checks them there.
 * @throws Error when something that is to be changed does not stand exactly once where it did
 */
export function writeNextRelease(folder: string): void {
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const { file, find, put } of edits) {
    const path = join(folder, file)
    const text = readFileSync(path, 'utf8')
    const count = text.split(find).length - 1
    if (count !== 1) throw new Error(`test/next-release/edits.ts: ${JSON.stringify(find)} stands ${count} times in ${file}`)
    // As it is, whatever dollars are in it.
    writeFileSync(
      path,
      text.replace(find, () => put),
    )
  }
}
