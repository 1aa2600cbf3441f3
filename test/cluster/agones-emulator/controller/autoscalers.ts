import { randomUUID } from 'node:crypto'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isDeepStrictEqual } from 'node:util'
import { WEBHOOK_TIMEOUT_MS } from '../names.ts'
import type { KeyQueue } from '../queue.ts'
import type { Fleet, FleetAutoscaler, WebhookPolicy } from '../types.ts'
import {
  type AutoscalerStatus,
  intervalMs,
  reviewRequest,
  statusAfter,
  statusUnable,
  wantedReplicas,
  webhookUrl,
} from './autoscaler-plan.ts'
import type { World } from './world.ts'

/** An answer longer than this is none. */
const ANSWER_BYTES = 1_000_000

async function readAnswer(url: URL, response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > ANSWER_BYTES) throw new Error(`${url}: the answer is longer than ${ANSWER_BYTES} bytes`)
    chunks.push(chunk as Buffer)
  }
  if (response.statusCode !== 200) throw new Error(`bad status code ${response.statusCode} from the server: ${url}`)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

/** Asks a webhook. Throws when it can't be reached, takes longer than 15 s, or answers anything but 200 with JSON. */
export async function askWebhook(policy: WebhookPolicy, body: object): Promise<unknown> {
  const url = webhookUrl(policy)
  const ca = policy.caBundle === undefined ? {} : { ca: Buffer.from(policy.caBundle, 'base64') }
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
    agent: false,
    ...ca,
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === 'https:' ? https.request(url, options, resolve) : http.request(url, options, resolve)
    request.on('error', reject)
    request.end(JSON.stringify(body))
  })
  return readAnswer(url, response)
}

/** Makes the handler of autoscaler keys: asks at once, then each interval; a changed spec is asked about at once. */
export function autoscalerController(world: World, queue: () => KeyQueue): (key: string) => Promise<void> {
  const rounds = new Map<string, { uid: string; generation: number; due: number }>()

  async function writeStatus(autoscaler: FleetAutoscaler, status: AutoscalerStatus): Promise<void> {
    if (!isDeepStrictEqual(autoscaler.status, status)) await world.autoscalers.updateStatus({ ...autoscaler, status })
  }

  async function ask(autoscaler: FleetAutoscaler, fleet: Fleet): Promise<number> {
    const { policy } = autoscaler.spec
    if (policy.type !== 'Webhook' || policy.webhook === undefined || policy.webhook === null) {
      throw new Error(`policy ${policy.type} is not emulated: only Webhook is`)
    }
    const answer = await askWebhook(policy.webhook, reviewRequest(fleet, randomUUID()))
    return wantedReplicas(answer, fleet)
  }

  async function scale(autoscaler: FleetAutoscaler, fleet: Fleet, wanted: number): Promise<void> {
    const status = statusAfter(autoscaler, fleet, wanted, new Date())
    if (wanted !== fleet.spec.replicas) {
      await world.fleets.update({ ...fleet, spec: { ...fleet.spec, replicas: wanted } })
      world.tell(autoscaler, 'Normal', 'AutoScalingFleet', `Scaling fleet ${fleet.metadata.name} from ${fleet.spec.replicas} to ${wanted}`)
    }
    await writeStatus(autoscaler, status)
  }

  async function round(autoscaler: FleetAutoscaler): Promise<void> {
    const fleet = world.fleets.cache.get(`${autoscaler.metadata.namespace}/${autoscaler.spec.fleetName}`)
    if (fleet === undefined) {
      world.tell(autoscaler, 'Warning', 'FailedGetFleet', `could not fetch fleet: ${autoscaler.spec.fleetName}`)
      return writeStatus(autoscaler, statusUnable(autoscaler))
    }
    if (fleet.metadata.deletionTimestamp !== undefined) return
    const wanted = await ask(autoscaler, fleet).catch((error: unknown) => {
      world.tell(autoscaler, 'Warning', 'FleetAutoscaler', `Error calculating desired fleet size: ${String(error)}`)
      return undefined
    })
    if (wanted === undefined) return writeStatus(autoscaler, statusUnable(autoscaler))
    return scale(autoscaler, fleet, wanted)
  }

  return async (key) => {
    const autoscaler = world.autoscalers.cache.get(key)
    if (autoscaler === undefined) {
      rounds.delete(key)
      return
    }
    const { uid = '', generation = 0 } = autoscaler.metadata
    const last = rounds.get(key)
    const now = performance.now()
    const same = last !== undefined && last.uid === uid && last.generation === generation
    if (same && now < last.due - 1) {
      queue().addAfter(key, last.due - now)
      return
    }
    const due = now + intervalMs(autoscaler)
    rounds.set(key, { uid, generation, due })
    try {
      await round(autoscaler)
    } catch (error) {
      // What was asked about has changed meanwhile: ask again, about what it is now.
      rounds.delete(key)
      throw error
    }
    queue().addAfter(key, Math.max(0, due - performance.now()))
  }
}
