import process from 'node:process'
import { chains } from '../core/chains.ts'
import { readCharacterRecord } from '../core/character-record.ts'
import { BailiwickError } from '../core/errors.ts'
import { parseLayerId } from '../core/ids.ts'
import type { Store } from '../core/ports/store-port.ts'
import { variables } from '../platform/config/index.ts'
import { runProgram } from '../platform/http/index.ts'
import { createMongoStore } from '../platform/mongo/index.ts'
import { EVIDENCE_KEPT } from './evidence.ts'
import { charactersIn, evidenceReport, type Known } from './evidence-report.ts'

const shape = {
  MONGODB_URL: variables.url('mongodb', 'mongodb+srv'),
  MONGODB_DATABASE: variables.text('the name of a database').default('bailiwick'),
}

/** `node zone-server/read-evidence.ts NAMESPACE/ZONE/LAYER`: prints what a layer did not survive. docs/operations.md, A quarantined layer. */
runProgram('read-evidence', shape, async ({ config }) => {
  const store = createMongoStore({ url: config.MONGODB_URL, database: config.MONGODB_DATABASE })
  const done = readEvidence(process.argv[2] ?? '', store).then((report) => void process.stdout.write(report))
  return { done, close: () => store.close() }
})

async function readEvidence(asked: string, store: Store): Promise<string> {
  const layer = layerOf(asked)
  const chain = chains.evidence(layer)
  const newest = await store.head(chain)
  const entries = newest === undefined ? [] : await store.read(chain, Math.max(1, newest.n - EVIDENCE_KEPT + 1), EVIDENCE_KEPT)
  const known = new Map<string, Known>()
  for (const character of charactersIn(entries)) {
    const head = await store.head(chains.character(character))
    const record = head === undefined ? undefined : readCharacterRecord(chains.character(character), head)
    // Of a deleted one nothing is known any more.
    if (record !== undefined && record.kind !== 'deleted') known.set(character, record)
  }
  return evidenceReport(layer, entries, known)
}

function layerOf(asked: string) {
  try {
    const { zone, index } = parseLayerId(asked)
    return `${zone}/${index}` as const
  } catch (cause) {
    throw new BailiwickError('ConfigInvalid', {
      asked: asked === '' ? 'no layer' : asked.slice(0, 200),
      found: 'no layer id',
      todo: 'name one as namespace/zone/0',
      cause,
    })
  }
}
