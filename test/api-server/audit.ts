import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { flags } from './flags.ts'

export interface AuditedResource {
  readonly group: string
  /** As Kubernetes names it, like `zones/status`. */
  readonly resource: string
}

/** A write as the server saw it. */
export interface Audited {
  readonly resource: string
  readonly verb: string
  readonly namespace: string
  readonly name: string
  /** Of the answer. */
  readonly code: number
  /** When the server had the request, ms since 1970. */
  readonly at: number
}

interface Line {
  readonly verb: string
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string }
  readonly responseStatus?: { readonly code?: number }
  readonly requestReceivedTimestamp: string
}

const WRITES = ['create', 'update', 'patch', 'delete']
/** MB, then a new file is begun: no run writes so much. */
const MOST = 1_000

const logOf = (folder: string): string => join(folder, 'audit.log')

export function auditFlags(folder: string, audit: readonly AuditedResource[]): readonly string[] {
  if (audit.length === 0) return []
  const policy = join(folder, 'audit-policy.json')
  const resources = audit.map(({ group, resource }) => ({ group, resources: [resource] }))
  const rules = [{ level: 'Metadata', verbs: WRITES, resources }, { level: 'None' }]
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules }))
  return flags({ 'audit-policy-file': policy, 'audit-log-path': logOf(folder), 'audit-log-maxsize': MOST, 'audit-log-mode': 'blocking' })
}

export function readAudit(folder: string): readonly Audited[] {
  if (!existsSync(logOf(folder))) return []
  const lines = readFileSync(logOf(folder), 'utf8').split('\n')
  return lines.flatMap((line) => (line === '' ? [] : [auditedOf(JSON.parse(line) as Line)]))
}

function auditedOf({ verb, objectRef = {}, responseStatus, requestReceivedTimestamp }: Line): Audited {
  const { resource = '', subresource, namespace = '', name = '' } = objectRef
  return {
    ...{ verb, namespace, name, resource: subresource === undefined ? resource : `${resource}/${subresource}` },
    code: responseStatus?.code ?? 0,
    at: Date.parse(requestReceivedTimestamp),
  }
}
