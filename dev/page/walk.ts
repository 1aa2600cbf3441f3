import type { ZoneSession } from '../../client/index.ts'

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
}

/** Turns held arrow keys into the wanted velocity; keys pressed while typing are left alone. */
export function walkWithArrows(session: () => ZoneSession | undefined): void {
  const held = new Set<string>()
  let last = '0,0'
  const update = () => {
    const current = session()
    const speed = current?.view.welcome?.maxSpeed
    if (current === undefined || speed === undefined || !current.playing) return
    let x = 0
    let y = 0
    for (const key of held) {
      const [dx, dy] = directions[key] ?? [0, 0]
      x += dx
      y += dy
    }
    const length = Math.hypot(x, y) || 1
    const vx = Math.trunc((x / length) * speed)
    const vy = Math.trunc((y / length) * speed)
    if (last === `${vx},${vy}`) return
    last = `${vx},${vy}`
    current.move(vx, vy)
  }
  const typing = (event: KeyboardEvent) => event.target instanceof HTMLInputElement
  addEventListener('keydown', (event) => {
    if (typing(event) || !(event.key in directions) || session() === undefined) return
    event.preventDefault()
    held.add(event.key)
    update()
  })
  addEventListener('keyup', (event) => {
    if (held.delete(event.key)) update()
  })
  addEventListener('blur', () => {
    held.clear()
    update()
  })
}
