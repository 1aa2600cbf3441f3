import { BailiwickError } from './errors.ts'

/** `namespace/name` of a Zone. */
export type ZoneId = `${string}/${string}`
/** `namespace/name` of an Agones Fleet. */
export type FleetId = `${string}/${string}`
/** `namespace/name/index` of a layer. */
export type LayerId = `${string}/${string}/${number}`

/** A DNS label (RFC 1123): what namespaces, zones and fleets are called. */
export const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
/** Names of custom resources may hold dots; ours may not, so that a zone's name is also a label value and a host name. */
const pair = /^([^/]+)\/([^/]+)$/
const triple = /^([^/]+)\/([^/]+)\/(0|[1-9][0-9]{0,3})$/

/** Checked `namespace/name`. Throws InvalidInput naming the part that is not a DNS label (RFC 1123). */
export function zoneId(namespace: string, name: string): ZoneId {
  checkLabel('namespace', namespace)
  checkLabel('zone name', name)
  return `${namespace}/${name}`
}

/** Checked fleet id. Throws InvalidInput. */
export function fleetId(namespace: string, name: string): FleetId {
  checkLabel('namespace', namespace)
  checkLabel('fleet name', name)
  return `${namespace}/${name}`
}

/** The layer `index` (0-based, at most 9999) of a zone. Throws InvalidInput. */
export function layerId(zone: ZoneId, index: number): LayerId {
  if (!Number.isInteger(index) || index < 0 || index > 9_999) {
    throw new BailiwickError('InvalidInput', { asked: `layer ${index} of ${zone}`, todo: 'a layer index is a whole number from 0 to 9999' })
  }
  return `${zone}/${index}`
}

/** The parts of `namespace/name`. Throws InvalidInput. */
export function parsePair(id: string): { namespace: string; name: string } {
  const match = pair.exec(id)
  const [, namespace, name] = match ?? []
  if (namespace === undefined || name === undefined) throw new BailiwickError('InvalidInput', { asked: id, todo: 'write namespace/name' })
  checkLabel('namespace', namespace)
  checkLabel('name', name)
  return { namespace, name }
}

/** The parts of a layer id. Throws InvalidInput. */
export function parseLayerId(id: string): { zone: ZoneId; namespace: string; name: string; index: number } {
  const match = triple.exec(id)
  const [, namespace, name, index] = match ?? []
  if (namespace === undefined || name === undefined || index === undefined) {
    throw new BailiwickError('InvalidInput', { asked: id, todo: 'write namespace/name/index' })
  }
  return { zone: zoneId(namespace, name), namespace, name, index: Number(index) }
}

function checkLabel(what: string, value: string): void {
  if (!label.test(value)) {
    throw new BailiwickError('InvalidInput', {
      asked: `${what} ${JSON.stringify(value.slice(0, 80))}`,
      todo: 'use at most 63 lower case letters, digits and dashes, beginning and ending with a letter or digit',
    })
  }
}
