// `npm run bench:report`: puts what bench/results/ holds into docs/benchmarks.md, between its marks, and the plots beside it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.ts'

interface Metric {
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly goal?: number
  readonly met?: boolean
  readonly peer?: number
  readonly ratio?: number
}

interface Result {
  readonly name: string
  readonly at: string
  readonly machine: {
    readonly cores: number
    readonly cpu: string
    readonly node: string
    readonly loadAverage?: readonly number[]
    readonly tcp?: string
  }
  readonly metrics: readonly Metric[]
  readonly notes?: readonly string[]
}

const names = ['crowd', 'fan-out', 'tick', 'snapshot', 'day', 'wake', 'resolve', 'login', 'slow', 'fleet', 'sizes']
const page = join(root, 'docs', 'benchmarks.md')
const plots = join(root, 'docs', 'benchmarks')
const [begin, end] = ['<!-- figures: begin -->', '<!-- figures: end -->']

const found = names.flatMap((name) => {
  const file = join(root, 'bench', 'results', `${name}.json`)
  return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8')) as Result] : []
})
const text = readFileSync(page, 'utf8')
const [from, to] = [text.indexOf(begin), text.indexOf(end)]
if (from < 0 || to < from) throw new Error(`${page} has no ${begin} … ${end}`)
writeFileSync(page, `${text.slice(0, from + begin.length)}\n${found.map(section).join('\n')}\n${text.slice(to)}`)
process.stdout.write(`${page}: ${found.map(({ name }) => name).join(', ') || 'nothing was measured'}\n`)

function section({ name, at, machine, metrics, notes = [] }: Result): string {
  const rows = metrics.map(({ metric, value, unit, goal, met, peer, ratio }) =>
    row([
      metric,
      `${short(value)} ${unit}`,
      goal === undefined ? '' : `${short(goal)}, ${met ? 'met' : 'not met'}`,
      short(peer),
      short(ratio),
    ]),
  )
  const svg = join(root, 'bench', 'results', `${name}.svg`)
  const picture = existsSync(svg) ? [`![${name}](benchmarks/${name}.svg)`, ''] : []
  if (existsSync(svg)) {
    mkdirSync(plots, { recursive: true })
    copyFileSync(svg, join(plots, `${name}.svg`))
  }
  const load = machine.loadAverage?.map((value) => value.toFixed(1)).join(' ') ?? 'unknown'
  return [
    `### ${name}`,
    '',
    `${at.slice(0, 16).replace('T', ' ')}, ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, TCP ${machine.tcp ?? 'unknown'}, load average at the end ${load}.`,
    '',
    row(['what', 'measured', 'goal', 'beside it', 'ratio']),
    row(['---', '---', '---', '---', '---']),
    ...rows,
    '',
    ...picture,
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function short(value: number | undefined): string {
  // A ratio to nothing is null in JSON.
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : ''
}
