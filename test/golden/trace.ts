import type { LayerBody, PlayerBody } from '../../zone-server/simulation/input.ts'
import { type Input, LAYER } from '../../zone-server/simulation/input.ts'
import type { TickOutput } from '../../zone-server/simulation/output.ts'
import type { SimulationSettings } from '../../zone-server/simulation/settings.ts'
import { type LayerState, newState } from '../../zone-server/simulation/state.ts'
import { stateHash } from '../../zone-server/simulation/state-hash.ts'
import { step } from '../../zone-server/simulation/step.ts'
import { worlds } from './worlds.ts'

/**
 * A trace is a text that a person reads. `world NAME` (of worlds.ts; else `plane`) says where it plays; `tick` begins a tick, or `ticks N` N of them in which nothing comes in;
 * `<` is an input (source, sequence, body; `-` is the layer's shell); `>` what the tick says; `@` where everything stands after it; `=` the hash of the state.
 * Lines with `>`, `@` and `=` are written by the machine.
 */
export function replay(text: string): string {
  const lines: string[] = []
  const state = newState('game/meadow/0', worldOf(/^world (\w+)$/m.exec(text)?.[1] ?? 'plane'))
  let batch: Input[] | undefined
  let idle = 0
  const finish = (): void => {
    if (batch === undefined) return
    for (let i = 1; i < idle; i++) lines.push(...said(step(state, [])).map((line) => `${line} (tick ${state.tick})`))
    lines.push(...said(step(state, batch)), ...places(state), `= ${stateHash(state)}`, '')
    batch = undefined
  }
  for (const line of text.split('\n')) {
    if (/^[>@=]/.test(line) || line === '') continue
    if (line.startsWith('#')) finish()
    if (line.startsWith('tick')) {
      finish()
      batch = []
      idle = Number(/^ticks (\d+)/.exec(line)?.[1] ?? 0)
    }
    if (line.startsWith('<')) batch?.push(inputOf(line))
    lines.push(line)
  }
  finish()
  return `${lines.join('\n').trimEnd()}\n`
}

function inputOf(line: string): Input {
  const [, source = '', sequence = '', body = ''] = /^< (\S+) (\d+) (.*)$/.exec(line) ?? []
  const parsed = JSON.parse(body) as { kind: string; settings?: string }
  if (source !== '-') return { source, sequence: Number(sequence), body: parsed as PlayerBody }
  const settings = parsed.settings === undefined ? {} : { settings: worldOf(parsed.settings) }
  return { source: LAYER, sequence: Number(sequence), body: { ...parsed, ...settings } as LayerBody }
}

function worldOf(name: string): SimulationSettings {
  const world = worlds[name]
  if (world === undefined) throw new Error(`a trace plays in ${name}, which is no world of worlds.ts`)
  return world
}

function said(output: TickOutput): string[] {
  const messages = output.messages.map(({ to, message: { kind, ...rest } }) => `> ${to ?? 'all'} ${kind} ${JSON.stringify(rest)}`)
  return [
    ...messages,
    ...output.departures.map(({ character, reason, release }) => `> ${character} departs: ${reason}, release ${release ?? 'none'}`),
  ]
}

function places({ entities }: LayerState): string[] {
  const lines: string[] = []
  for (let id = 1; id <= entities.highest; id++) {
    if (!entities.isPlaced(id)) continue
    lines.push(
      `@ ${id} ${entities.label[id] || entities.name[id]} at ${entities.x[id]} ${entities.y[id]} mm, heading ${entities.heading[id]}`,
    )
  }
  return lines
}
