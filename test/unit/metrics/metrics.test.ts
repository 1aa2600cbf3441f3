import { expect, test } from 'vitest'
import { createMetrics } from '../../../platform/metrics/index.ts'

test('counters, gauges, sampled gauges and histograms appear in the text, each registry on its own', async () => {
  const metrics = createMetrics('test')
  const other = createMetrics('other')
  metrics.counter('joins_total', 'Joins', ['result']).add({ result: 'ok' }, 2)
  metrics.gauge('layers', 'Layers').set(3)
  metrics.sampled('queue', 'Queue', () => 7)
  metrics.histogram('tick_seconds', 'Ticks', [0.01, 0.1]).observe(0.05)
  const text = await metrics.text()
  expect(text).toContain('joins_total{result="ok",program="test"} 2')
  expect(text).toContain('layers{program="test"} 3')
  expect(text).toContain('queue{program="test"} 7')
  expect(text).toContain('tick_seconds_bucket{le="0.1",program="test"} 1')
  expect(text).toContain('process_cpu_seconds_total')
  expect(await other.text()).not.toContain('joins_total')
})
