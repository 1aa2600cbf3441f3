import { parseArgs } from 'node:util'
import { BailiwickError } from '../../core/errors.ts'

export type BackupCommand =
  /** `keep`: the file is a folder, in which so many backups stay, the newest ones. */
  | { readonly do: 'create'; readonly file: string; readonly keep?: number }
  | { readonly do: 'verify'; readonly file: string }
  | { readonly do: 'restore'; readonly file: string; readonly emptyIndex: boolean }

const usage = 'create FILE | create FOLDER --keep NUMBER | verify FILE | restore FILE [--empty-index]'

/** What is asked for on the command line. Throws ConfigInvalid with the usage. */
export function readCommand(args: readonly string[]): BackupCommand {
  const refuse = (found: string): never => {
    throw new BailiwickError('ConfigInvalid', { asked: args.join(' ').slice(0, 200), found, todo: usage })
  }
  const parsed = parse(args)
  if (parsed === undefined) return refuse('options that are not known')
  const [what, file, ...more] = parsed.positionals
  const { 'empty-index': emptyIndex = false, keep } = parsed.values
  if (file === undefined || file === '' || more.length > 0) return refuse('not one file')
  if (what === 'restore' && keep === undefined) return { do: what, file, emptyIndex }
  if (emptyIndex) return refuse('an option of another command')
  if (what === 'create' && keep === undefined) return { do: what, file }
  if (what === 'create' && /^[1-9]\d{0,3}$/.test(keep ?? '')) return { do: what, file, keep: Number(keep) }
  if (what === 'verify' && keep === undefined) return { do: what, file }
  return refuse('no such command')
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { 'empty-index': { type: 'boolean' }, keep: { type: 'string' } }, allowPositionals: true })
  } catch {
    return undefined
  }
}
