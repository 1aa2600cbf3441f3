import { describeError } from '../core/errors.ts'
import type { ChainEntry } from '../core/ports/store-port.ts'
import { decodeBatch } from './simulation/batch.ts'
import { type Input, LAYER } from './simulation/input.ts'

/** Who a character is, as far as the store knows. */
export interface Known {
  readonly name: string
  readonly account: string
}

/** The characters whose inputs are in the evidence, each once. */
export function charactersIn(entries: readonly ChainEntry[]): readonly string[] {
  const sources = entries.flatMap((entry) => inputsOf(entry).inputs.map(({ source }) => source))
  return [...new Set(sources)].filter((source) => source !== LAYER)
}

/** What a layer did not survive, for people to read: newest crash first, of each the tick, the error, by which code, and every input of the tick with who gave it. */
export function evidenceReport(layer: string, entries: readonly ChainEntry[], known: ReadonlyMap<string, Known>): string {
  if (entries.length === 0) return `${layer}: no crash is kept\n`
  return [...entries]
    .reverse()
    .map((entry) => crash(layer, entry, known))
    .join('\n')
}

function crash(layer: string, entry: ChainEntry, known: ReadonlyMap<string, Known>): string {
  const { tick, replayed, error, code, digest, host, at } = entry.data
  const { inputs, fault } = inputsOf(entry)
  const lines = [
    `${layer}, crash ${entry.n}, ${typeof at === 'number' ? new Date(at).toISOString() : 'at an unknown time'}`,
    `  tick    ${String(tick)}, ${replayed === true ? 'confirmed before: every claim comes upon it again' : 'in play: nobody was told of it'}`,
    `  error   ${String(error)}`,
    `  code    ${String(code)}`,
    `  host    ${String(host)}`,
    ...(typeof digest === 'string' ? [`  state   should have had the hash ${digest}`] : []),
    fault === undefined ? `  inputs  ${inputs.length}` : `  inputs  ${fault}`,
    ...inputs.map((input) => `    ${sourceOf(input, known)}: ${bodyOf(input)}`),
  ]
  return `${lines.join('\n')}\n`
}

function inputsOf({ blob }: ChainEntry): { readonly inputs: readonly Input[]; readonly fault?: string } {
  if (blob === undefined) return { inputs: [], fault: 'not known' }
  try {
    return { inputs: decodeBatch(blob) }
  } catch (error) {
    return { inputs: [], fault: `${blob.byteLength} bytes that this release can not read: ${describeError(error)}` }
  }
}

function sourceOf({ source, sequence }: Input, known: ReadonlyMap<string, Known>): string {
  if (source === LAYER) return 'the host'
  const who = known.get(source)
  const named = who === undefined ? '' : ` (${who.name}, account ${who.account})`
  return `character ${source}${named}, its input ${sequence}`
}

function bodyOf({ body }: Input): string {
  const { kind, ...fields } = body
  return `${kind} ${JSON.stringify(fields, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))}`
}
