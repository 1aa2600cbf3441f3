import { RESP_TYPES } from 'redis'
import { BailiwickError } from '../../core/errors.ts'
import type { LayerId } from '../../core/ids.ts'
import { checkAppends, checkCounts } from '../../core/journal.ts'
import type { AppendAnswer, Fence, FenceRefusal, Journal, JournalAppend, JournalEntry } from '../../core/ports/journal-port.ts'
import type { Client } from './connection.ts'
import { journalKeys } from './keys.ts'

/** Runs `work`, and again after loading the library when the server has none. */
export type Call = <T>(work: (client: Client) => Promise<T>) => Promise<T>

/** Batches are bytes, so every text of an answer comes as bytes too. */
const inBytes = { [RESP_TYPES.BLOB_STRING]: Buffer }

const refusals: readonly FenceRefusal[] = ['Fenced', 'Forked']

/** The journal in Redis: library/journal.lua behind the port. `fenceKept`: for how long (ms) the fence of an erased layer is remembered. */
export function createJournal(call: Call, fenceKept: number): Journal {
  const run = async (name: string, layer: LayerId, counts: Readonly<Record<string, number>>, args: readonly string[]): Promise<unknown> => {
    checkCounts(`${name} of layer ${layer}`, counts)
    return call((client) => client.fCall(`bailiwick_${name}`, { keys: journalKeys(layer), arguments: [...args] }))
  }
  return {
    async raiseFence(layer, epoch) {
      const [raised, replid, last] = (await run('raise_fence', layer, { epoch }, [String(epoch)])) as [number, string, number]
      return { epoch: raised, replid, last }
    },
    hasFence: async (layer) => (await run('has_fence', layer, {}, [])) === 1,
    fenceEpoch: async (layer) => Number(await run('fence_epoch', layer, {}, [])),
    async readJournal(layer, fence, after, limit) {
      checkCounts(`the journal of layer ${layer}`, { after, limit })
      const options = { keys: journalKeys(layer), arguments: [...fenceArgs(fence), String(after), String(limit)] }
      const answer: unknown = await call((client) => client.withTypeMapping(inBytes).fCall('bailiwick_read_journal', options))
      if (!Array.isArray(answer)) return readAnswer(answer, refusals)
      const [last, entries] = answer as [number, readonly EntryAnswer[]]
      return { last, entries: entries.map(readEntry) }
    },
    startJournal: async (layer, fence, tick) =>
      readAnswer<'Done' | 'Ahead' | FenceRefusal>(await run('start_journal', layer, { tick }, [...fenceArgs(fence), String(tick)]), [
        'Done',
        'Ahead',
        ...refusals,
      ]),
    async appendJournal(appends) {
      checkAppends(appends)
      // All in one write: the library of the client gathers what is called within one turn of the event loop.
      const answers = await call((client) =>
        Promise.all(appends.map((append) => client.fCall('bailiwick_append_journal', appendOptions(append)))),
      )
      return answers.map((answer) => readAnswer<AppendAnswer>(answer, ['Done', 'OutOfSequence', ...refusals]))
    },
    trimJournal: async (layer, fence, through) =>
      readAnswer<'Done' | FenceRefusal>(await run('trim_journal', layer, { through }, [...fenceArgs(fence), String(through)]), [
        'Done',
        ...refusals,
      ]),
    async dropJournal(layer, epoch) {
      await run('drop_journal', layer, { epoch }, [String(epoch), String(fenceKept)])
    },
  }
}

function fenceArgs({ epoch, replid }: Fence): string[] {
  return [String(epoch), replid]
}

function appendOptions({ layer, fence, tick, previous, digest, batch }: JournalAppend): { keys: string[]; arguments: (string | Buffer)[] } {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength)
  return { keys: journalKeys(layer), arguments: [...fenceArgs(fence), String(tick), String(previous), digest, bytes] }
}

type EntryAnswer = readonly [epoch: number, tick: number, previous: number, digest: Buffer, batch: Buffer]

function readEntry([epoch, tick, previous, digest, batch]: EntryAnswer): JournalEntry {
  // A plain copy: the bytes are a part of what was received.
  return { epoch, tick, previous, digest: digest.toString('latin1'), batch: new Uint8Array(batch) }
}

function readAnswer<T extends string>(answer: unknown, expected: readonly T[]): T {
  const text = String(answer)
  for (const word of expected) if (word === text) return word
  throw new BailiwickError('Internal', { asked: 'the journal in Redis', found: `the answer ${text.slice(0, 100)}` })
}
