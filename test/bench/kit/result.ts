import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'

export interface Metric {
  readonly metric: string
  readonly value: number
  readonly unit: string
  /** What is to be reached; undefined: nothing is, it is told. */
  readonly goal?: number | undefined
  readonly met?: boolean | undefined
  /** The same of the other side. */
  readonly peer?: number | undefined
  /** Ours to the other's, the median of the pairs. */
  readonly ratio?: number | undefined
}

export interface Result {
  readonly name: string
  readonly metrics: readonly Metric[]
  readonly series: readonly unknown[]
  /** What a reader must know: what was thrown away, what could not be had. */
  readonly notes: readonly string[]
}

/** What the kernel spends on sending depends on it. */
const CONGESTION = '/proc/sys/net/ipv4/tcp_congestion_control'
const folder = join(import.meta.dirname, '..', '..', '..', 'bench', 'results')

/** Writes bench/results/NAME.json, and the plot beside it, and prints the metrics. */
export function writeResult(result: Result, svg?: string): void {
  const tcp = existsSync(CONGESTION) ? readFileSync(CONGESTION, 'utf8').trim() : 'unknown'
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version, loadAverage: loadavg(), tcp }
  mkdirSync(folder, { recursive: true })
  const { name, metrics, series, notes } = result
  const file = join(folder, `${name}.json`)
  writeFileSync(file, `${JSON.stringify({ name, at: new Date().toISOString(), machine, metrics, series, notes }, null, 2)}\n`)
  if (svg !== undefined) writeFileSync(join(folder, `${name}.svg`), svg)
  for (const metric of metrics) console.log(described(metric))
  for (const note of notes) console.log(`note: ${note}`)
  console.log(`${machine.cores} cores, ${machine.cpu}, Node ${machine.node}; written: ${file}`)
}

function described({ metric, value, unit, goal, met, peer, ratio }: Metric): string {
  const parts = [`${metric}: ${round(value)} ${unit}`]
  if (goal !== undefined) parts.push(`goal ${round(goal)}, ${met ? 'met' : 'not met'}`)
  if (peer !== undefined) parts.push(`beside it ${round(peer)}`)
  if (ratio !== undefined) parts.push(`ratio ${round(ratio)}`)
  return parts.join('; ')
}

export function round(value: number): number {
  return Number(value.toPrecision(4))
}

/** The middle value; of an even number the mean of the two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return 0
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}

/** What `npm run bench:NAME -- --quick` asks for. */
export const quick = process.argv.includes('--quick')

/** One line to the terminal while it runs. */
export function say(line: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)
}
