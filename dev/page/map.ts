import type { ZoneSession } from '../../client/index.ts'
import type { ContentMap } from '../../core/content.ts'

const MM_PER_M = 1_000
const AVATAR_RADIUS = 6

/** Draws what the player sees: the zone's bounds, a grid of 10 m, walls, and everything in view with its name. */
export class ZoneMap {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  #session: ZoneSession | undefined
  #walls: ContentMap | undefined

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('this browser has no canvas')
    this.#canvas = canvas
    this.#context = context
    const frame = () => {
      this.#draw()
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  }

  show(session: ZoneSession | undefined): void {
    this.#session = session
    this.#walls = undefined
  }

  /** Where nobody can walk; undefined: everywhere somebody can. */
  showWalls(walls: ContentMap | undefined): void {
    this.#walls = walls
  }

  #draw(): void {
    const { width, height } = this.#canvas
    const context = this.#context
    context.clearRect(0, 0, width, height)
    const view = this.#session?.view
    const welcome = view?.welcome
    if (view === undefined || welcome === undefined) return
    // Resolved colours: a custom property's own text (light-dark(…)) means nothing to a canvas.
    const { color: ink, caretColor: accent, borderTopColor: grid } = getComputedStyle(this.#canvas)
    const scale = Math.min(width / (welcome.maxX - welcome.minX), height / (welcome.maxY - welcome.minY)) * 0.96
    const left = (width - (welcome.maxX - welcome.minX) * scale) / 2
    const bottom = height - (height - (welcome.maxY - welcome.minY) * scale) / 2
    const at = (x: number, y: number): [number, number] => [left + (x - welcome.minX) * scale, bottom - (y - welcome.minY) * scale]

    context.strokeStyle = grid
    context.lineWidth = 0.5
    context.beginPath()
    for (let x = welcome.minX; x <= welcome.maxX; x += 10 * MM_PER_M) line(context, at(x, welcome.minY), at(x, welcome.maxY))
    for (let y = welcome.minY; y <= welcome.maxY; y += 10 * MM_PER_M) line(context, at(welcome.minX, y), at(welcome.maxX, y))
    context.stroke()

    context.fillStyle = grid
    const { cell = 0, origin = { x: 0, y: 0 }, rows = [] } = this.#walls ?? {}
    for (const [down, row] of rows.entries())
      for (const [right, mark] of [...row].entries())
        if (mark === '#') {
          const [x, y] = at((origin.x + right * cell) * MM_PER_M, (origin.y + (rows.length - down) * cell) * MM_PER_M)
          context.fillRect(x, y, cell * MM_PER_M * scale, cell * MM_PER_M * scale)
        }

    context.font = '12px system-ui, sans-serif'
    context.textAlign = 'center'
    for (const entity of view.entities.values()) {
      const [x, y] = at(entity.x, entity.y)
      const mine = entity.id === welcome.entity
      context.fillStyle = mine ? accent : ink
      context.beginPath()
      if (entity.kind === 'item') context.rect(x - 4, y - 4, 8, 8)
      else context.arc(x, y, AVATAR_RADIUS, 0, Math.PI * 2)
      context.fill()
      // Items are labelled below, so that the name of who stands on one can be read.
      context.fillText(entity.name, x, entity.kind === 'item' ? y + 2 * AVATAR_RADIUS + 7 : y - AVATAR_RADIUS - 5)
    }
  }
}

function line(context: CanvasRenderingContext2D, from: [number, number], to: [number, number]): void {
  context.moveTo(...from)
  context.lineTo(...to)
}
