import { TICK_RATE } from '../kit/world.ts'

const PERIOD = 1_000 / TICK_RATE

/** Calls at the tick rate, without drift; late ticks are caught up, but not more than one. */
export function everyTick(tick: () => void): void {
  let next = performance.now()
  const turn = (): void => {
    tick()
    next = Math.max(next + PERIOD, performance.now() - PERIOD)
    setTimeout(turn, Math.max(0, next - performance.now()))
  }
  turn()
}
