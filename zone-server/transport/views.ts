/** Views that end behind this are made anew each time: the others are as few as there are lengths of frames. */
const LONGEST = 4_096

/** The views of a buffer: by where they begin, by where they end. */
type Views = (Buffer | undefined)[][]

const ofBuffer = new WeakMap<Buffer, Views>()
let last: Buffer | undefined
let lastViews: Views = []

/**
 * The part of a buffer from `from` to `to`, as `subarray` gives it, but the same object each time. For a buffer that is sent from again and again: to make a view costs a twentieth of a
 * small write.
 */
export function viewOf(buffer: Buffer, from: number, to: number): Buffer {
  if (to > LONGEST) return buffer.subarray(from, to)
  if (buffer !== last) {
    last = buffer
    lastViews = ofBuffer.get(buffer) ?? []
    ofBuffer.set(buffer, lastViews)
  }
  lastViews[from] ??= []
  const views = lastViews[from]
  const known = views[to]
  if (known !== undefined) return known
  const view = buffer.subarray(from, to)
  views[to] = view
  return view
}
