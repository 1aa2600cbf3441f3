import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export const PASSWORD = 'a pass word of the bench'
export const accountName = (k: number): string => `bench-${k}-x`

const ANSWER_LIMIT = 60_000

export interface LoadReport {
  /** Logins a second. */
  readonly done: number
  /** Refusals (503) a second, and how long they took: milliseconds. */
  readonly refused: number
  readonly refusedP99: number
  readonly doneP99: number
  /** Answers that were neither. */
  readonly others: number
}

interface Answered {
  readonly status: number
  readonly ms: number
  /** When it came. */
  readonly at: number
}

/** Logins at a rate (a second, in even steps, whatever was answered), or with `connections` that each ask again when they were answered. */
export async function load(
  { port, accounts, seconds }: { readonly port: number; readonly accounts: number; readonly seconds: number },
  how: { readonly perSecond: number } | { readonly connections: number },
): Promise<LoadReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: 2_000 })
  const answers: Answered[] = []
  let asked = 0
  const login = async (): Promise<void> => {
    const began = performance.now()
    const status = await post(agent, port, { name: accountName(asked++ % accounts), password: PASSWORD })
    const at = performance.now()
    answers.push({ status, ms: at - began, at })
  }
  const began = performance.now()
  const until = began + seconds * 1_000
  const open: Promise<void>[] = []
  if ('connections' in how) {
    const worker = async (): Promise<void> => {
      while (performance.now() < until) await login()
    }
    for (let k = 0; k < how.connections; k++) open.push(worker())
    await pause(until - performance.now())
  } else {
    while (performance.now() < until) {
      const due = Math.floor(((performance.now() - began) / 1_000) * how.perSecond)
      while (open.length < due) open.push(login())
      await pause(2)
    }
  }
  // What is answered after the end is not counted as done within it.
  const within = answers.slice()
  const elapsed = (performance.now() - began) / 1_000
  await Promise.all(open)
  agent.destroy()
  const of = (status: number): Answered[] => within.filter((each) => each.status === status)
  const [done, refused] = [of(201), of(503)]
  return {
    done: rate(done),
    refused: refused.length / elapsed,
    refusedP99: p99(refused.map(({ ms }) => ms)),
    doneP99: p99(done.map(({ ms }) => ms)),
    others: within.length - done.length - refused.length,
  }
}

/** A second, from the first answer to the last: what is under way at the beginning and at the end counts for neither. */
function rate(answers: readonly Answered[]): number {
  const [first, last] = [answers[0], answers.at(-1)]
  return first === undefined || last === undefined || first === last ? 0 : ((answers.length - 1) / (last.at - first.at)) * 1_000
}

/** How long a refusal takes, ms: of a wrong password, and of a name that there is not; by turns, each name once. */
export async function guess(
  port: number,
  tries: number,
): Promise<{ readonly wrong: readonly number[]; readonly unknown: readonly number[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const took = { wrong: [] as number[], unknown: [] as number[] }
  for (let k = 0; k < tries; k++) {
    for (const kind of ['wrong', 'unknown'] as const) {
      const began = performance.now()
      await post(agent, port, { name: kind === 'wrong' ? accountName(k) : `nobody-${k}-x`, password: 'not the pass word' })
      took[kind].push(performance.now() - began)
    }
  }
  agent.destroy()
  return took
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0
}

function post(agent: Agent, port: number, body: object): Promise<number> {
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const asked = request(
      { agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/sessions', headers, timeout: ANSWER_LIMIT },
      (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', reject)
      },
    )
    // More than the service's own deadline: a benchmark that waits for ever says nothing.
    asked.once('timeout', () => asked.destroy(new Error(`no answer in ${ANSWER_LIMIT} ms`)))
    asked.once('error', reject)
    asked.end(text)
  })
}
