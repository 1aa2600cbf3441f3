import * as client from 'prom-client'

export { measuredStore } from './measured-store.ts'

export type Labels = Readonly<Record<string, string>>

export interface Counter {
  /** Adds `by` (default 1, never negative). */
  add(labels?: Labels, by?: number): void
}

export interface Gauge {
  set(value: number, labels?: Labels): void
}

export interface Histogram {
  /** Records one value, in the unit that the metric's name ends with. */
  observe(value: number, labels?: Labels): void
}

/** The metrics of one process. Label values must come from a bounded set: never an id, a name or an address. */
export interface Metrics {
  counter(name: string, help: string, labelNames?: readonly string[]): Counter
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge
  /** A gauge that is read whenever metrics are asked for. */
  sampled(name: string, help: string, read: () => number): void
  /** The same with labels: one series for each row that is read. */
  sampledBy(name: string, help: string, labelNames: readonly string[], read: () => Iterable<readonly [Labels, number]>): void
  /** A counter that is read whenever metrics are asked for: of what is counted already. */
  tallied(name: string, help: string, read: () => number): void
  histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram
  /** Everything in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

/** A new registry with the process' own metrics (memory, CPU, event loop), all with the label `program`. */
export function createMetrics(program: string): Metrics {
  const registry = new client.Registry()
  registry.setDefaultLabels({ program })
  // Each look at the event loop wakes the process: a hundred a second would be a good part of what an idle one does.
  client.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 })
  const common = (name: string, help: string, labelNames: readonly string[]) => ({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  })
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter(name, help, labelNames = []) {
      const counter = new client.Counter(common(name, help, labelNames))
      return { add: (labels = {}, by = 1) => counter.inc(labels, by) }
    },
    gauge(name, help, labelNames = []) {
      const gauge = new client.Gauge(common(name, help, labelNames))
      return { set: (value, labels = {}) => gauge.set({ ...labels }, value) }
    },
    sampled(name, help, read) {
      new client.Gauge({
        ...common(name, help, []),
        collect() {
          this.set(read())
        },
      })
    },
    sampledBy(name, help, labelNames, read) {
      new client.Gauge({
        ...common(name, help, labelNames),
        collect() {
          this.reset()
          for (const [labels, value] of read()) this.set({ ...labels }, value)
        },
      })
    },
    tallied(name, help, read) {
      new client.Counter({
        ...common(name, help, []),
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    histogram(name, help, buckets, labelNames = []) {
      const histogram = new client.Histogram({ ...common(name, help, labelNames), buckets: [...buckets] })
      return { observe: (value, labels = {}) => histogram.observe(labels, value) }
    },
  }
}
