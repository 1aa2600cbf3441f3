import { BailiwickError } from './errors.ts'
import type { ChainEntry, Json, JsonObject } from './ports/store-port.ts'
import { z } from './validate/index.ts'

/** One step from the form of one version to that of the next. It gets what was stored, with the record's kind beside it, and may trust nothing in it. */
export type Migration = (stored: JsonObject) => JsonObject

/**
 * The form of one sort of records. What is written says its version (`v`); what is read is brought from its version to the newest, step by step, and checked. A record without
 * `v` is of version 1. The number is raised only when a program that knows the older form would misread the newer one; a field that may be absent needs no new number.
 */
export interface StoredForm<T> {
  readonly name: string
  readonly version: number
  /** The data of a record to store. */
  write(data: JsonObject): JsonObject
  /** Throws StoreCorrupt for what is of no known version, or not what that version says. */
  read(chain: string, entry: Pick<ChainEntry, 'n' | 'kind' | 'data'>): T
}

/** `migrations[i]` makes version i + 2 of version i + 1; `schema` is that of the newest. */
export function storedForm<T>(name: string, schema: z.ZodType<T>, migrations: readonly Migration[] = []): StoredForm<T> {
  const version = migrations.length + 1
  return {
    name,
    version,
    write: (data) => ({ v: version, ...data }),
    read(chain, entry) {
      const { v = 1, ...data } = entry.data
      const found = z.int().min(1).max(version).safeParse(v)
      if (!found.success) throw unreadable(chain, entry.n, `version ${JSON.stringify(v)} of a ${name}, this program knows up to ${version}`)
      let stored: { readonly [key: string]: Json | undefined } = { ...data, kind: entry.kind }
      for (const migrate of migrations.slice(found.data - 1)) stored = migrate(stored)
      const result = schema.safeParse(stored)
      if (!result.success) throw unreadable(chain, entry.n, result.error.issues[0]?.message ?? 'another form', result.error)
      return result.data
    },
  }
}

function unreadable(chain: string, n: number, found: string, cause?: unknown): BailiwickError {
  return new BailiwickError('StoreCorrupt', {
    asked: `record ${n} of ${chain}`,
    found,
    todo: 'use a newer Bailiwick, or restore the record from a backup',
    cause,
  })
}
