import { pooledRatio } from '../kit/pooled.ts'
import { type Metric, median, writeResult } from '../kit/result.ts'
import { plot } from '../kit/svg.ts'
import { percentile } from './honest.ts'

const GOAL_RATIO = 1.1

export interface Sample {
  /** How long each answer took, ms, in ascending order. */
  readonly took: readonly number[]
  /** Share of its core that the server used. */
  readonly cpu: number
  /** Share of the time in which the host of this machine had the cores for others. */
  readonly stolen: number
}

export interface Beside extends Sample {
  /** Slow connections that were open at the end. */
  readonly held: number
  /** Of them that came meanwhile: a second. */
  readonly cameBack: number
}

/** One right after the other. */
export interface Pair {
  readonly alone: Sample
  readonly beside: Beside
}

export interface Measured {
  readonly held: readonly Pair[]
  readonly returning: readonly Pair[]
  /** What answers were wrong, or refused. */
  readonly wrong: readonly string[]
}

export function p99(sample: Sample): number {
  return percentile(sample.took, 0.99)
}

/** Prints it, and writes bench/results/slow.json with its plot. */
export function report({ held, returning, wrong }: Measured): void {
  const [ofHeld, ofReturning] = [
    metricsOf('slow connections that are held', held),
    metricsOf('slow connections that come back when they are cut', returning),
  ]
  const stolen = [...held, ...returning].flatMap(({ alone, beside }) => [alone.stolen, beside.stolen])
  const short = (pairs: readonly Pair[]) =>
    pairs.map(({ alone, beside }) => ({
      alone: summary(alone),
      beside: { ...summary(beside), held: beside.held, cameBack: beside.cameBack },
    }))
  writeResult(
    {
      name: 'slow',
      metrics: [
        ...ofHeld.metrics,
        ...ofReturning.metrics,
        { metric: 'of them that come back', unit: 'a second', value: median(returning.map(({ beside }) => beside.cameBack)) },
      ],
      series: [{ held: short(held), returning: short(returning) }],
      notes: [
        `${wrong.length} answers to others that were not right${wrong.length > 0 ? `, the first: ${wrong[0]}` : ''}`,
        'the p99 is that of all answers of its kind together: of a single sample of some seconds it is one event or two',
        ofHeld.note,
        ofReturning.note,
        `the host had this machine's cores for others for ${(median(stolen) * 100).toFixed(1)}% of the time (${(Math.max(...stolen) * 100).toFixed(1)}% in the worst sample)`,
        'auth and characters in one process on one core, over SQLite in memory; held: before the first is cut; of twenty one is a reader that does not read, the others are silent, or send headers line by line, or bodies byte by byte',
      ],
    },
    plot([chart('held', held), chart('that come back', returning)]),
  )
}

function metricsOf(what: string, pairs: readonly Pair[]): { readonly metrics: Metric[]; readonly note: string } {
  const pooled = pooledRatio(
    pairs.map(({ alone, beside }) => [alone.took, beside.took] as const),
    0.99,
  )
  const middle = (of: (pair: Pair) => number): number => median(pairs.map(of))
  const besideAlone = (name: string, unit: string, value: (sample: Sample) => number): Metric => ({
    ...{ metric: `${name} beside ${what}`, unit, value: middle(({ beside }) => value(beside)) },
    peer: middle(({ alone }) => value(alone)),
  })
  const ofPairs = pairs.map(({ alone, beside }) => p99(beside) / p99(alone))
  return {
    metrics: [
      {
        metric: `others' p99 beside ${what}, to that without`,
        unit: '',
        value: pooled.ratio,
        goal: GOAL_RATIO,
        met: pooled.ratio <= GOAL_RATIO,
      },
      { metric: `others' p99 beside ${what}`, unit: 'ms', value: pooled.second, peer: pooled.first },
      besideAlone("others' p50", 'ms', ({ took }) => percentile(took, 0.5)),
      besideAlone('cores that the server uses', '', ({ cpu }) => cpu),
      { metric: `${what}: at once`, unit: '', value: middle(({ beside }) => beside.held) },
    ],
    note: `${what}: the ratio lies between ${pooled.low.toFixed(2)} and ${pooled.high.toFixed(2)} with 95% confidence (${pairs.length} pairs, drawn anew); of single pairs ${median(ofPairs).toFixed(2)} in the median, from ${Math.min(...ofPairs).toFixed(2)} to ${Math.max(...ofPairs).toFixed(2)}`,
  }
}

function summary(sample: Sample) {
  const { took, cpu, stolen } = sample
  return { p50: percentile(took, 0.5), p99: p99(sample), longest: took.at(-1) ?? 0, answers: took.length, cpu, stolen }
}

function chart(name: string, pairs: readonly Pair[]) {
  const line = (which: 'alone' | 'beside') => pairs.map((pair, at) => [at + 1, p99(pair[which])] as const)
  return {
    title: `others' p99 beside slow connections ${name}`,
    ...{ x: 'pair', y: 'ms' },
    lines: [
      { name: 'without', points: line('alone') },
      { name: 'beside', points: line('beside') },
    ],
  }
}
