import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

/** What a player's client asks, and what an answer to it holds. */
export interface Question {
  readonly port: number
  readonly path: string
  readonly token: string
  /** Stands in every right answer. */
  readonly holds: string
}

export interface HonestReport {
  /** How long each answer took from the moment when it was due, ms, in ascending order. */
  readonly took: readonly number[]
  /** What was not a right answer. */
  readonly wrong: readonly string[]
}

/** Less than what makes one address wait. */
const PER_SECOND = 150
const ANSWER_LIMIT = 30_000

/** Asks the questions by turns, in even steps whatever was answered, until the signal aborts or for so long. */
export async function askHonestly(
  questions: readonly Question[],
  until: { readonly ms?: number; readonly signal?: AbortSignal },
): Promise<HonestReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const took: number[] = []
  const wrong: string[] = []
  const open = new Set<Promise<void>>()
  const began = performance.now()
  const isOver = (): boolean => until.signal?.aborted === true || performance.now() - began >= (until.ms ?? Number.POSITIVE_INFINITY)
  for (let asked = 0; !isOver(); asked++) {
    const due = began + (asked / PER_SECOND) * 1_000
    const early = due - performance.now()
    if (early > 0) await pause(early)
    const question = questions[asked % questions.length] as Question
    const one = ask(agent, question)
      .then((fault) => {
        if (fault === undefined) took.push(performance.now() - due)
        else wrong.push(fault)
      })
      .finally(() => open.delete(one))
    open.add(one)
  }
  await Promise.all(open)
  agent.destroy()
  return { took: took.sort((a, b) => a - b), wrong }
}

export function percentile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0
}

/** What is wrong with the answer; undefined: nothing. */
function ask(agent: Agent, { port, path, token, holds }: Question): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` }
    const asked = request({ agent, port, host: '127.0.0.1', path, headers, timeout: ANSWER_LIMIT }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.once('error', (error) => resolve(`${path}: ${error.message}`))
      response.once('end', () => {
        const right = response.statusCode === 200 && text.includes(holds)
        resolve(right ? undefined : `${path}: ${response.statusCode} ${text.slice(0, 200)}`)
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', (error) => resolve(`${path}: ${error.message}`))
    asked.end()
  })
}
