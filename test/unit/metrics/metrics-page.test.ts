import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { createMeters } from '../../../zone-server/meters.ts'

const root = join(import.meta.dirname, '../../..')
/** The folder that registers a metric, by the heading of docs/metrics.md under which it stands. */
const programs: readonly (readonly [heading: string, folder: string])[] = [
  ['zone server', 'zone-server'],
  ['allocator', 'services/allocator'],
  ['auth', 'services/auth'],
  ['characters', 'services/characters'],
  ['operator', 'operator'],
  ['every program with an http port', 'platform/http'],
  ['every program with the store', 'platform/metrics'],
]
const types = {
  counter: 'counter',
  tallied: 'counter',
  gauge: 'gauge',
  sampled: 'gauge',
  sampledBy: 'gauge',
  histogram: 'histogram',
} as const

/** The text from the parenthesis at `from` to the one that closes it. */
function call(source: string, from: number): string {
  let depth = 0
  for (let at = from; at < source.length; at++) {
    if (source[at] === '(') depth++
    if (source[at] === ')' && --depth === 0) return source.slice(from, at)
  }
  return ''
}

/** A row of the page for each metric that the folder's sources register. */
function registered(folder: string): string[] {
  const rows: string[] = []
  for (const file of globSync(`${folder}/**/*.ts`, { cwd: root })) {
    const source = readFileSync(join(root, file), 'utf8')
    const calls = [...source.matchAll(/metrics\.(?:counter|gauge|sampled|sampledBy|tallied|histogram)\(/g)].length
    let found = 0
    for (const match of source.matchAll(/\.(counter|gauge|sampled|sampledBy|tallied|histogram)\(\s*'(\w+)',\s*'([^']*)'/g)) {
      const [, kind, name, help] = match
      found++
      const type = types[kind as keyof typeof types]
      const [list = ''] = /\[(?:\s*'\w+',?)+\s*\]/.exec(call(source, match.index + match[0].indexOf('('))) ?? []
      const labels = [...list.matchAll(/\w+/g)].join(', ')
      rows.push(`| \`${name}\` | ${type} | ${labels} | ${help} |`)
    }
    expect(found, `metrics of ${file} whose name and help are plain texts`).toBe(calls)
  }
  return rows.sort()
}

test('docs/metrics.md has a row for each metric that a program registers, and no other', () => {
  const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8')
  const sections = new Map(page.split(/^## /m).map((section) => [section.split('\n')[0]?.toLowerCase(), section]))
  for (const [heading, folder] of programs) {
    const rows = (sections.get(heading)?.split('\n') ?? []).filter((line) => line.startsWith('| `'))
    expect([...rows].sort(), `docs/metrics.md, ${heading}`).toEqual(registered(folder))
  }
  expect(programs.flatMap(([, folder]) => registered(folder)).length).toBeGreaterThan(30)
})

test('what a zone server counts is in its text', async () => {
  const metrics = createMetrics('zone-server')
  const none = () => 0
  const meters = createMeters(metrics, {
    ...{ layers: () => 2, players: none, connections: none, ahead: () => 3, waiting: none },
    ...{ sentBytes: () => 700, receivedBytes: none },
  })
  meters.commit(0.004, true)
  meters.held()
  meters.journalRefused('Fenced')
  meters.crashed(true)
  meters.late(0.03)
  meters.snapshot(0.2, 5_000)
  meters.refused('TooManyRequests')
  meters.ended('TooSlow')
  for (let again = 0; again < 2; again++) {
    const text = await metrics.text()
    expect(text).toContain('bailiwick_sent_bytes_total{program="zone-server"} 700')
    expect(text).toContain('bailiwick_journal_ahead_ticks{program="zone-server"} 3')
    expect(text).toContain('bailiwick_ticks_held_total{program="zone-server"} 1')
    expect(text).toContain('bailiwick_journal_refusals_total{answer="Fenced",program="zone-server"} 1')
    expect(text).toContain('bailiwick_layer_crashes_total{replayed="true",program="zone-server"} 1')
    expect(text).toContain('bailiwick_tick_late_seconds_bucket{le="0.05",program="zone-server"} 1')
    expect(text).toMatch(/bailiwick_commit_seconds_count\{.*answered="true".*\} 1/)
    expect(text).toContain('bailiwick_snapshot_bytes_sum{program="zone-server"} 5000')
    expect(text).toContain('bailiwick_refusals_total{code="TooManyRequests",program="zone-server"} 1')
    expect(text).toContain('bailiwick_sessions_ended_total{reason="TooSlow",program="zone-server"} 1')
  }
})
