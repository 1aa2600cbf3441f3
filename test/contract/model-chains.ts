import type { ChainDocument, Chains } from '../../platform/mongo/documents.ts'

type Filter = Readonly<Record<string, unknown>> & { readonly _id: string }
type Range = { readonly $gt: string; readonly $lt: string }
type Several = { readonly $in: readonly string[] }
type Update = Readonly<Partial<Record<'$max' | '$set', Readonly<Record<string, unknown>>>>>
type Document = Record<string, unknown>

/** What platform/mongo uses of a collection, each call atomic, in memory: for many schedules. What a server does is compared with it (chain-lives-mongo). */
export class ModelChains {
  readonly documents = new Map<string, Document>()

  async findOne(filter: Filter): Promise<ChainDocument | null> {
    const found = this.#matching(filter)
    return found === undefined ? null : ({ ...found } as unknown as ChainDocument)
  }

  /** By a range of ids, or some of them, in their order; what is there when it is asked for. */
  find({ _id }: { readonly _id: Range | Several }, { limit }: { readonly limit?: number } = {}) {
    const isAsked = ([id]: [string, Document]): boolean => ('$in' in _id ? _id.$in.includes(id) : id > _id.$gt && id < _id.$lt)
    return {
      toArray: async () =>
        [...this.documents]
          .filter(isAsked)
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([, each]) => ({ ...each })),
    }
  }

  async insertOne(document: ChainDocument): Promise<void> {
    if (this.documents.has(document._id)) throw Object.assign(new Error('duplicate key'), { code: 11_000 })
    this.documents.set(document._id, { ...document })
  }

  async deleteOne(filter: Filter): Promise<{ deletedCount: number }> {
    const deleted = this.#matching(filter) !== undefined && this.documents.delete(filter._id)
    return { deletedCount: deleted ? 1 : 0 }
  }

  async updateOne(filter: Filter, update: Update, options: { upsert?: boolean } = {}): Promise<{ matchedCount: number }> {
    const found = this.#matching(filter)
    if (found === undefined && options.upsert !== true) return { matchedCount: 0 }
    const document = found ?? { _id: filter._id }
    for (const [key, value] of Object.entries(update.$max ?? {})) document[key] = Math.max(Number(document[key] ?? value), Number(value))
    Object.assign(document, update.$set)
    this.documents.set(filter._id, document)
    return { matchedCount: found === undefined ? 0 : 1 }
  }

  async replaceOne(filter: Filter, document: Document): Promise<void> {
    this.documents.set(filter._id, { ...document, _id: filter._id })
  }

  /** As the driver's type: only what is here may be called. */
  get asChains(): Chains {
    return this as unknown as Chains
  }

  #matching({ _id, ...fields }: Filter): Document | undefined {
    const document = this.documents.get(_id)
    if (document === undefined) return undefined
    const holds = ([key, asked]: [string, unknown]): boolean =>
      typeof asked === 'object' ? document[key] === undefined : document[key] === asked
    return Object.entries(fields).every(holds) ? document : undefined
  }
}
