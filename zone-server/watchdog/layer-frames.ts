import { compileFunction } from 'node:vm'
import type { LayerId } from '../../core/ids.ts'

type Frame = (work: () => unknown) => unknown

/** What the script of a layer's frame is called. */
const SCHEME = 'layer:'
/** So many are kept; a host serves fewer layers, but many in the course of its life. */
const FRAMES_MAX = 1_000

/**
 * Gives the ticks of each layer a frame of their own on the stack, so that what they allocate can be told apart: all layers run the same code. Only while somebody looks
 * (`on`); else a tick costs nothing more.
 */
export class LayerFrames {
  readonly #frames = new Map<LayerId, Frame>()
  on = false

  during<T>(layer: LayerId, work: () => T): T {
    return this.on ? (this.#frame(layer)(work) as T) : work()
  }

  #frame(layer: LayerId): Frame {
    const known = this.#frames.get(layer)
    if (known !== undefined) return known
    if (this.#frames.size >= FRAMES_MAX) this.#frames.clear()
    const made = compileFunction('return work()', ['work'], { filename: `${SCHEME}${layer}` }) as Frame
    this.#frames.set(layer, made)
    return made
  }
}

/** Those of this thread. */
export const frames = new LayerFrames()

/** A node of V8's sampled allocations: a function, by how it was called. */
export interface ProfileNode {
  readonly callFrame: { readonly url: string }
  /** Of what is still in memory, bytes. */
  readonly selfSize: number
  readonly children: readonly ProfileNode[]
}

/** What the ticks of each layer have allocated and is still there, bytes, the most first. What was allocated elsewhere is not in it. */
export function keptByLayer(head: ProfileNode): readonly (readonly [layer: string, bytes: number])[] {
  const kept = new Map<string, number>()
  const rest: (readonly [ProfileNode, string | undefined])[] = [[head, undefined]]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [{ callFrame, selfSize, children }, above] = next
    const layer = callFrame.url.startsWith(SCHEME) ? callFrame.url.slice(SCHEME.length) : above
    if (layer !== undefined) kept.set(layer, (kept.get(layer) ?? 0) + selfSize)
    for (const child of children) rest.push([child, layer])
  }
  return [...kept].sort(([, a], [, b]) => b - a)
}
