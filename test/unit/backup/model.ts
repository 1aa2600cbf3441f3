import { chains } from '../../../core/chains.ts'
import type { LayerId } from '../../../core/ids.ts'
import type { ArchivedStore } from '../../../core/ports/store-archive-port.ts'
import type { JsonObject, StoredRecord } from '../../../core/ports/store-port.ts'

interface Resident {
  readonly version: number
  readonly items: Set<string>
}

interface Leaving {
  readonly character: string
  readonly n: number
  readonly items: readonly string[]
  readonly tick: number
  stored: boolean
}

interface Layer {
  readonly id: LayerId
  tick: number
  lastSnapshot: number
  before: number
  readonly ground: Set<string>
  readonly residents: Map<string, Resident>
  readonly outbox: Leaving[]
}

const ROSTER = chains.charactersOf('everybody')

/**
 * Layers and characters that do with a store what real ones do: a character is held before it is in, its things are where it is, and it is released only when its leaving stands in
 * the layer's chain. One action at a time, each chosen by a number, so that a copy may see the store between any two.
 */
export class ModelWorld {
  readonly items: readonly string[]
  readonly #store: ArchivedStore
  readonly #layers: readonly Layer[]
  readonly #characters: readonly string[]

  private constructor(store: ArchivedStore, layers: readonly Layer[], characters: readonly string[], items: readonly string[]) {
    this.#store = store
    this.#layers = layers
    this.#characters = characters
    this.items = items
  }

  static async create(store: ArchivedStore): Promise<ModelWorld> {
    const ids: LayerId[] = ['game/a/0', 'game/b/0', 'game/c/1']
    const layers = ids.map((id) => ({
      ...{ id, tick: 0, lastSnapshot: 0, before: 0 },
      ground: new Set<string>(),
      residents: new Map(),
      outbox: [],
    }))
    const characters = ['ann', 'ben', 'cem', 'dot']
    const items: string[] = []
    for (const character of characters) {
      const own = [0, 1].map((k) => `${character}/${k}`)
      items.push(...own)
      await store.append(chains.character(character), 1, 'made', released(own))
      await store.append(chains.characterName(character), 1, 'named', { kind: 'taken', data: { character } })
    }
    const world = new ModelWorld(store, layers, characters, items)
    await store.append(ROSTER, 1, 'roster-1', { kind: 'roster', data: { slots: characters } })
    for (const layer of layers) await world.#persist(layer)
    return world
  }

  /** One thing happens. */
  async act(choice: number): Promise<void> {
    const character = this.#characters[choice % this.#characters.length] ?? ''
    const layer = this.#layers[Math.floor(choice / 4) % this.#layers.length] as Layer
    switch (Math.floor(choice / 12) % 7) {
      case 0:
        return this.#join(character, layer)
      case 1:
        return this.#swap(layer, character, 'drop')
      case 2:
        return this.#swap(layer, character, 'pick')
      case 3:
        return this.#leave(layer, character)
      case 4:
        return this.#persist(layer)
      case 5:
        return this.#release(layer)
      default:
        return this.#make()
    }
  }

  /** A character that nobody plays: it is there, and then it is in the roster. */
  async #make(): Promise<void> {
    const head = await this.#store.head(ROSTER)
    if (head === undefined) throw new Error('there is no roster')
    const n = head.n + 1
    const character = `made-${n}`
    await this.#store.append(chains.character(character), 1, 'made', released([]))
    await this.#store.append(ROSTER, n, `roster-${n}`, { kind: 'roster', data: { slots: [...slotsOf(head.data), character] } })
    await this.#store.prune(ROSTER, n)
  }

  /** The characters that are in no roster, by what a store says alone. */
  async unlisted(store: ArchivedStore): Promise<readonly string[]> {
    const listed = new Set(slotsOf((await store.head(ROSTER))?.data ?? {}))
    const found = await store.chains(undefined, 1_000)
    const start = chains.character('')
    return found.flatMap((chain) => (chain.startsWith(start) && !listed.has(chain.slice(start.length)) ? [chain] : []))
  }

  async #join(character: string, layer: Layer): Promise<void> {
    const head = await this.#store.head(chains.character(character))
    if (head?.kind !== 'released') return
    const n = head.n + 1
    await this.#store.append(chains.character(character), n, `join-${n}`, { kind: 'held', data: { ...head.data, layer: layer.id } })
    layer.residents.set(character, { version: n, items: new Set(itemsOf(head.data)) })
    layer.tick += 1
  }

  async #swap(layer: Layer, character: string, how: 'drop' | 'pick'): Promise<void> {
    const resident = layer.residents.get(character)
    if (resident === undefined) return
    const [from, to] = how === 'drop' ? [resident.items, layer.ground] : [layer.ground, resident.items]
    const [item] = from
    if (item === undefined) return
    from.delete(item)
    to.add(item)
    layer.tick += 1
  }

  async #leave(layer: Layer, character: string): Promise<void> {
    const resident = layer.residents.get(character)
    if (resident === undefined) return
    layer.residents.delete(character)
    layer.tick += 1
    layer.outbox.push({ character, n: resident.version + 1, items: [...resident.items], tick: layer.tick, stored: false })
  }

  async #persist(layer: Layer): Promise<void> {
    const chain = chains.layer(layer.id)
    const n = ((await this.#store.head(chain))?.n ?? 0) + 1
    const residents = [...layer.residents].map(([character, { version, items }]) => ({ character, version, items: [...items] }))
    const outbox = layer.outbox.map(({ character, n: number, items }) => ({ character, n: number, items }))
    const state = { ground: [...layer.ground], residents, outbox }
    const data = { tick: layer.tick, lastSnapshot: layer.lastSnapshot, state }
    await this.#store.append(chain, n, `snapshot-${n}`, { kind: 'snapshot', data, blob: new Uint8Array(16).fill(n) })
    for (const leaving of layer.outbox) leaving.stored = true
    if (layer.before > 0) await this.#store.prune(chain, layer.before)
    layer.before = layer.lastSnapshot
    layer.lastSnapshot = n
  }

  async #release(layer: Layer): Promise<void> {
    const at = layer.outbox.findIndex(({ stored }) => stored)
    const [leaving] = at === -1 ? [] : layer.outbox.splice(at, 1)
    if (leaving === undefined) return
    const chain = chains.character(leaving.character)
    await this.#store.append(chain, leaving.n, `${layer.id}/${leaving.tick}/0`, released(leaving.items))
    await this.#store.prune(chain, leaving.n)
    layer.tick += 1
  }

  /** Where each item is, by what a store says alone: as a claim of each layer would find it. */
  async places(store: ArchivedStore): Promise<ReadonlyMap<string, readonly string[]>> {
    const places = new Map<string, string[]>()
    const found = (items: readonly string[], where: string): void => {
      for (const item of items) places.set(item, [...(places.get(item) ?? []), where])
    }
    const states = new Map<string, State>()
    for (const { id } of this.#layers) {
      const head = await store.head(chains.layer(id))
      const state = head?.data['state'] as unknown as State
      states.set(id, state)
      found(state.ground, `ground of ${id}`)
    }
    for (const character of this.#characters) {
      const head = await store.head(chains.character(character))
      if (head === undefined) throw new Error(`${character} is gone`)
      const state = head.kind === 'held' ? states.get(String(head.data['layer'])) : undefined
      const resident = state?.residents.find((one) => one.character === character && one.version === head.n)
      const leaving = state?.outbox.find((one) => one.character === character && one.n === head.n + 1)
      found(resident?.items ?? leaving?.items ?? itemsOf(head.data), `${character}, ${head.kind} ${head.n}`)
    }
    return places
  }
}

interface State {
  readonly ground: readonly string[]
  readonly residents: readonly { readonly character: string; readonly version: number; readonly items: readonly string[] }[]
  readonly outbox: readonly { readonly character: string; readonly n: number; readonly items: readonly string[] }[]
}

const released = (items: readonly string[]): StoredRecord => ({ kind: 'released', data: { items } })

const itemsOf = ({ items }: JsonObject): readonly string[] => (Array.isArray(items) ? items.map(String) : [])

function slotsOf(data: JsonObject): readonly string[] {
  const slots = data['slots']
  return Array.isArray(slots) ? slots.map(String) : []
}
