import { parseDuration } from './duration.ts'
import { type Bounds, MAX_COORDINATE_M } from './geometry.ts'
import { isRecord } from './zone-schema.ts'

/** Answers whether `value` keeps the rule. `old` is the value that was stored, for rules about a change; undefined when there was none. */
type Rule = (value: unknown, old: unknown) => boolean

/**
 * The rules of crds/zone.yaml that are written in CEL, for the world without an API server, by their message. A rule is called after the types were
 * checked. A test holds the table against the CRD: no rule is missing here, and none too many.
 */
export const rules: Readonly<Record<string, Rule>> = {
  'metadata.name must be at most 63 lower case letters, digits and dashes, beginning and ending with a letter or digit': (zone) =>
    isRecord(zone) && isRecord(zone['metadata']) && isLabel(zone['metadata']['name']),
  'spec.neighbours must not name the zone itself': (zone) => {
    const { metadata, spec } = zone as { readonly metadata: { readonly name?: unknown }; readonly spec: { readonly neighbours?: unknown } }
    return !Array.isArray(spec.neighbours) || !spec.neighbours.includes(metadata.name)
  },
  'spec.neighbours must be names of Zones, lower case letters, digits and dashes, beginning and ending with a letter or digit': isLabel,
  'spec.content.configMap must be the name of a ConfigMap, lower case letters, digits, dashes and dots, beginning and ending with a letter or digit':
    (name) => /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(String(name)),
  'spec.fleet and spec.dedicated exclude each other, remove one': (spec) => !(has(spec, 'fleet') && has(spec, 'dedicated')),
  'spec.fleet must be the name of a Fleet, lower case letters, digits and dashes, beginning and ending with a letter or digit': isLabel,
  'spec.dedicated.from must be the name of a Fleet, lower case letters, digits and dashes, beginning and ending with a letter or digit':
    isLabel,
  "spec.dedicated.priorityClassName must not be one of the system's own, name another class": (name) => !String(name).startsWith('system-'),
  'spec.idleAfter must be a duration from 1s to 168h, like 30s, 5m or 1h30m': (text) => isDuration(text, 1_000, 168 * 3_600_000),
  'spec.snapshotEvery must be a duration from 1s to 1h, like 30s or 2m': (text) => isDuration(text, 1_000, 3_600_000),
  'spec.layers.max must not be less than spec.layers.min': (layers) =>
    !isRecord(layers) || layers['max'] === undefined || Number(layers['max']) >= Number(layers['min']),
  'spec.layers.targetPlayers must not be more than spec.layers.maxPlayers': (layers) =>
    !isRecord(layers) || layers['targetPlayers'] === undefined || Number(layers['targetPlayers']) <= Number(layers['maxPlayers']),
  'spec.bounds.max must lie at least 1 m beyond spec.bounds.min in both x and y': (value) => {
    const { min, max } = value as Bounds
    return min.x + 1 <= max.x && min.y + 1 <= max.y
  },
  'spec.bounds must lie within 2000000 m of the origin': (value) => {
    const { min, max } = value as Bounds
    return Math.min(min.x, min.y) >= -MAX_COORDINATE_M && Math.max(max.x, max.y) <= MAX_COORDINATE_M
  },
  'spec.bounds may grow, not shrink, since something may lie in what would be cut off': (value, old) => {
    if (old === undefined) return true
    const [now, before] = [value as Bounds, old as Bounds]
    return now.min.x <= before.min.x && now.min.y <= before.min.y && now.max.x >= before.max.x && now.max.y >= before.max.y
  },
}

function isLabel(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)
}

function has(value: unknown, key: string): boolean {
  return isRecord(value) && value[key] !== undefined
}

function isDuration(text: unknown, min: number, max: number): boolean {
  try {
    const ms = parseDuration(String(text))
    return ms >= min && ms <= max
  } catch {
    return false
  }
}
