import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { catalogue } from '../../../core/errors.ts'
import { createMetrics } from '../../../platform/metrics/index.ts'
import { parseQuery } from './promql.ts'

const root = join(import.meta.dirname, '../../..')
const text = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}
interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

const dashboard = JSON.parse(text('charts/bailiwick/files/dashboard.json')) as { readonly panels: readonly Panel[] }
const rules = parse(text('charts/bailiwick/files/alerts.yaml')) as { groups: readonly { name: string; rules: readonly Alert[] }[] }
const alerts = rules.groups.flatMap((group) => group.rules)
const operations = text('docs/operations.md')

/** Of kube-state-metrics, as its documentation has them (docs/metrics/workload/cronjob-metrics.md), with what the scrape adds. */
const ofCronJobs = ['created', 'next_schedule_time', 'status_last_schedule_time', 'status_last_successful_time']

/** Every series that a program may show, with its labels: docs/metrics.md (which is compared with the sources), and what each process shows anyway. */
async function readSeries(): Promise<ReadonlyMap<string, readonly string[]>> {
  const known = new Map<string, readonly string[]>()
  for (const [, name = '', type = '', labels = ''] of text('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| ([\w, ]*) \|/gm)) {
    const all = [...labels.split(', ').filter((label) => label.trim() !== ''), 'program', 'instance', 'pod']
    if (type !== 'histogram') known.set(name, all)
    else {
      known.set(`${name}_bucket`, [...all, 'le'])
      for (const part of ['count', 'sum']) known.set(`${name}_${part}`, all)
    }
  }
  for (const [, name = ''] of (await createMetrics('any').text()).matchAll(/^# TYPE (\w+)/gm))
    known.set(name, ['program', 'instance', 'pod'])
  for (const name of ofCronJobs) known.set(`kube_cronjob_${name}`, ['namespace', 'cronjob'])
  return known
}

const series = readSeries()

/** What is wrong with an expression. */
async function faults(expression: string): Promise<string[]> {
  const known = await series
  const { errors, selectors, grouping } = parseQuery(expression.replaceAll('$__rate_interval', '5m'))
  const labels = selectors.flatMap(({ series }) => known.get(series) ?? [])
  return [
    ...errors,
    ...selectors.filter(({ series }) => !known.has(series)).map(({ series }) => `${series} is no metric`),
    ...selectors.flatMap(({ series, matchers }) =>
      matchers.filter(({ label }) => !known.get(series)?.includes(label)).map(({ label }) => `${series} has no label ${label}`),
    ),
    ...grouping.filter((label) => !labels.includes(label)).map((label) => `grouped by ${label}, which no series of it has`),
    ...(selectors.length === 0 ? ['no series'] : []),
  ]
}

describe('the way to look at an expression', () => {
  test.each([
    ['sum(bailiwick_players', /^at \d+/],
    ['sum(bailiwick_player)', /bailiwick_player is no metric/],
    ['sum(bailiwick_hosts{stat="Dead"})', /bailiwick_hosts has no label stat/],
    ['sum by (states) (bailiwick_hosts)', /grouped by states/],
    ['rate(bailiwick_tick_seconds[5m])', /bailiwick_tick_seconds is no metric/],
    ['1 + 1', /no series/],
  ])('finds what is wrong with %s', async (expression, fault) => {
    expect((await faults(expression)).join('\n')).toMatch(fault)
  })
})

describe('the dashboard', () => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  test('asks for series that there are, in PromQL', async () => {
    const known = await series
    expect(panels.length).toBeGreaterThan(30)
    for (const { title, targets = [] } of panels) {
      expect(targets.length, title).toBeGreaterThan(0)
      for (const { expr, legendFormat } of targets) {
        expect(await faults(expr), `${title}: ${expr}`).toEqual([])
        const { selectors, grouping } = parseQuery(expr.replaceAll('$__rate_interval', '5m'))
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
        // Without an operator that groups, a series keeps its labels.
        const isGrouped = /\b(?:sum|min|max|avg|count)\b/.test(expr)
        const labels = isGrouped ? grouping : selectors.flatMap(({ series }) => known.get(series) ?? [])
        expect(labels, `${title}: ${legendFormat}`).toEqual(expect.arrayContaining(named))
      }
    }
  })

  test('shows every metric of a zone server, the allocator and the operator', () => {
    const shown = new Set(
      panels.flatMap(({ targets = [] }) =>
        targets.flatMap(({ expr }) =>
          [...expr.matchAll(/\b(?:bailiwick|auth)_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, '')),
        ),
      ),
    )
    const pages = [...text('docs/metrics.md').matchAll(/^\| `((?:bailiwick|auth)_\w+)`/gm)].map(([, name = '']) => name)
    const left = pages.filter((name) => !shown.has(name))
    expect(left.sort()).toEqual([
      'auth_swept_total',
      'bailiwick_connections_dropped_total',
      'bailiwick_copied_zones',
      'bailiwick_host_knocks_total',
      'bailiwick_refusals_total',
      'bailiwick_snapshot_bytes',
      'bailiwick_sweeps_total',
    ])
  })

  test('has panels of different ids that do not lie on one another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    const taken = new Map<string, string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x} ${y}`), `${title} over`).toBeUndefined()
          taken.set(`${x} ${y}`, title)
        }
    }
  })
})

describe('the alerts', () => {
  test('ask for series that there are, in PromQL, and compare them with something', async () => {
    expect(alerts.length).toBeGreaterThan(20)
    for (const { alert, expr } of alerts) {
      expect(await faults(expr), alert).toEqual([])
      expect(expr, alert).toMatch(/ (?:[<>]=?|==) \S/)
      for (const { label, value } of parseQuery(expr).selectors.flatMap(({ matchers }) => matchers))
        if (label === 'result' && value.includes('|'))
          for (const code of value.split('|')) expect(Object.keys(catalogue), alert).toContain(code)
    }
  })

  test('have a name, a severity, a time and words of their own, and a section that says what to do', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    const sections = new Map(operations.split(/^#{2,3} /m).map((section) => [section.split('\n')[0], section]))
    for (const { alert, for: time, labels, annotations } of alerts) {
      expect(alert).toMatch(/^Bailiwick[A-Z]\w+$/)
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity)
      if (time !== undefined) expect(time, alert).toMatch(/^\d+[smh]$/)
      expect(annotations.summary.length * annotations.description.length, alert).toBeGreaterThan(0)
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`)
      expect(sections.get(alert)?.split('\n').slice(1).join('').trim().length, `section ${alert}`).toBeGreaterThan(20)
    }
    const described = [...sections.keys()].filter((name) => name?.startsWith('Bailiwick'))
    expect(described.sort()).toEqual(alerts.map(({ alert }) => alert).sort())
  })
})
