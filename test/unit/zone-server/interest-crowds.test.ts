import { describe, expect, it } from 'vitest'
import { CELL } from '../../../core/protocol/cells.ts'
import { SLOW_CLIENT_AFTER, SLOW_CLIENT_CUT_AFTER } from '../../../core/timing.ts'
import { CELL_BUDGET, CROWDED_ABOVE } from '../../../zone-server/interest/cell.ts'
import { HYSTERESIS } from '../../../zone-server/interest/interest.ts'
import { MAX_SPEED } from '../../../zone-server/simulation/rules/motion.ts'
import { MIDDLE, Stage, TICKS_A_SECOND } from './interest-kit.ts'
import type { CheckedClient } from './view-checker.ts'

describe('clients that fall behind', () => {
  const slow = (SLOW_CLIENT_AFTER / 1_000) * TICKS_A_SECOND
  const cut = (SLOW_CLIENT_CUT_AFTER / 1_000) * TICKS_A_SECOND

  function walking(): { stage: Stage; ada: CheckedClient } {
    const stage = new Stage()
    const ada = stage.join('ada', MIDDLE, MIDDLE)
    stage.join('bob', MIDDLE, MIDDLE)
    stage.tick()
    stage.does('bob', { kind: 'move', vx: 100, vy: 0 })
    stage.ticks(5)
    return { stage, ada }
  }

  it('one that acknowledges nothing is skipped, told anew when it has caught up, and misses no message', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    stage.ticks(slow + 10)
    const frames = ada.frames.length
    stage.does('bob', { kind: 'drop', item: 'bob/9' })
    stage.does('bob', { kind: 'say', text: 'still there?' })
    stage.ticks(20)
    expect(ada.frames.length).toBe(frames)
    ada.acknowledges = true
    Object.defineProperty(ada, 'seen', { get: () => ada.view.tick })
    stage.ticks(2)
    expect(ada.frames[frames]).toMatchObject({ fresh: true })
    expect(ada.frames[frames + 1]).toMatchObject({ fresh: false })
    expect(ada.said.at(-1)).toMatchObject({ case: 'said', value: { text: 'still there?' } })
    expect(stage.differences()).toEqual([])
  })

  it('and cut off when it does not', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    stage.ticks(cut - 5)
    expect(ada.ended).toBeUndefined()
    stage.ticks(15)
    expect(ada.ended).toBe('TooSlow')
  })

  it('one whose connection takes nothing for a moment is told anew', () => {
    const { stage, ada } = walking()
    ada.ready = false
    const frames = ada.frames.length
    stage.ticks(5)
    expect(ada.frames.length).toBe(frames)
    ada.ready = true
    stage.ticks(2)
    expect(ada.frames.length).toBeGreaterThan(frames)
    expect(ada.frames[frames]?.fresh).toBe(true)
    expect(stage.differences()).toEqual([])
  })

  it('with ticks that wait for their confirmation: nothing of what was encoded before it was lost is sent, all of what comes after', () => {
    for (const missed of [0, 1, 2, 3]) {
      const { stage, ada } = walking()
      for (let i = 0; i < 4; i++) stage.tick(3)
      ada.ready = false
      stage.tick(3)
      ada.ready = true
      const frames = ada.frames.length
      for (let i = 0; i < missed; i++) stage.tick(3)
      // The fresh frame itself may not get through.
      ada.ready = missed !== 3
      stage.tick(3)
      ada.ready = true
      for (let i = 0; i < 8; i++) stage.tick(3)
      expect(ada.frames[frames]?.fresh).toBe(true)
      expect(ada.frames.slice(frames + 1).some(({ fresh }) => fresh)).toBe(false)
      stage.tick()
      expect(stage.differences()).toEqual([])
    }
  })

  it('what it claims to have seen of frames it was never sent counts for nothing', () => {
    const { stage, ada } = walking()
    ada.acknowledges = false
    Object.defineProperty(ada, 'seen', { get: () => 0xffffffff })
    stage.ticks(3)
    expect(stage.differences()).toEqual([])
  })
})

describe('crowded cells', () => {
  it('tell the oldest first within their budget, neighbours half as often, and all of it in the end', () => {
    const stage = new Stage()
    const crowd = CELL_BUDGET + 90
    expect(crowd).toBeGreaterThan(CROWDED_ABOVE)
    const inside = stage.join('inside', MIDDLE, MIDDLE)
    const beside = stage.join('beside', CELL + MIDDLE, MIDDLE)
    for (let i = 0; i < crowd; i++) stage.join(`c${i}`, 100 * (i % 100) + 5_000, 5_000 + i * 10, false)
    stage.tick()
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: i % 2 === 0 ? 100 : -100 })
    const sent = { inside: 0, beside: 0 }
    for (let i = 0; i < 40; i++) {
      stage.tick()
      expect(stage.differences(() => true)).toEqual([])
      expect(inside.last?.updates.length).toBeLessThanOrEqual(CELL_BUDGET)
      expect(beside.last?.updates.length).toBeLessThanOrEqual(CELL_BUDGET)
      sent.inside += inside.last?.updates.length ?? 0
      sent.beside += beside.last?.updates.length ?? 0
    }
    expect(sent).toEqual({ inside: 40 * CELL_BUDGET, beside: 20 * CELL_BUDGET })
    // Nobody is left out: each was told within the ticks that one round takes.
    const told = new Set(inside.frames.slice(-2).flatMap(({ updates }) => updates.map(({ id }) => id)))
    expect(told.size).toBe(crowd)
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: 0 })
    stage.ticks(8)
    expect(stage.differences()).toEqual([])
  })

  it('who moves its centre into a crowd misses nothing that waits for its neighbours, whenever the crowd stops', () => {
    for (let stop = 23; stop < 30; stop++) {
      const stage = new Stage()
      const ada = stage.join('ada', CELL + HYSTERESIS, MIDDLE)
      for (let i = 0; i < CELL_BUDGET; i++) stage.join(`c${i}`, 100 * (i % 100) + 5_000, 5_000 + i * 10, false)
      stage.tick()
      stage.does('ada', { kind: 'move', vx: -MAX_SPEED, vy: 0 })
      for (let i = 0; i < CELL_BUDGET; i++) stage.does(`c${i}`, { kind: 'move', vx: 400, vy: 400 })
      for (let i = 0; i < 32; i++) {
        if (i === stop) for (let k = 0; k < CELL_BUDGET; k++) stage.does(`c${k}`, { kind: 'move', vx: 0, vy: 0 })
        stage.tick()
      }
      expect(ada.last?.column).toBe(0)
      expect(stage.differences()).toEqual([])
    }
  })

  it('who walks out of a crowd while it waits to be told is told where it is', () => {
    const stage = new Stage()
    stage.join('inside', MIDDLE, MIDDLE)
    stage.join('beside', -MIDDLE, MIDDLE)
    const crowd = CELL_BUDGET * 2
    for (let i = 0; i < crowd; i++) stage.join(`c${i}`, CELL - 50 * (i % 40) - 1, 5_000 + i * 10, false)
    stage.tick()
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: i % 3 === 0 ? -800 : 800, vy: 0 })
    for (let i = 0; i < 45; i++) {
      stage.tick()
      expect(stage.differences(() => true)).toEqual([])
    }
    for (let i = 0; i < crowd; i++) stage.does(`c${i}`, { kind: 'move', vx: 0, vy: 0 })
    stage.ticks(8)
    expect(stage.differences()).toEqual([])
  })
})
