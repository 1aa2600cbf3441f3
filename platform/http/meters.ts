import type { Metrics } from '../metrics/index.ts'
import type { RequestMeters } from './context.ts'

const known = new WeakMap<Metrics, RequestMeters>()

/** Two applications of one process (public and internal port) count into the same metrics. */
export function metersOf(metrics: Metrics): RequestMeters {
  const existing = known.get(metrics)
  if (existing !== undefined) return existing
  const meters = {
    requests: metrics.counter('http_requests_total', 'HTTP requests answered', ['method', 'route', 'status']),
    seconds: metrics.histogram(
      'http_request_duration_seconds',
      'Time from the first byte of a request to the end of its answer',
      [0.005, 0.02, 0.1, 0.5, 2, 10],
      ['method', 'route'],
    ),
    connections: metrics.gauge('http_connections', 'Open connections', ['app']),
    dropped: metrics.counter('http_connections_dropped_total', 'Connections that were cut because there were too many', ['app']),
  }
  known.set(metrics, meters)
  return meters
}
