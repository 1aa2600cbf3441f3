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
  /** How long each answer took from the moment when it was asked for, ms, in ascending order. Who asks does not wait for answers, so none hides another; what makes it late is its own. */
  readonly took: readonly number[]
  /** What was no right answer; without refused ones. */
  readonly wrong: readonly string[]
  /** Answered 503: the machine, or the store, does not keep up. */
  readonly refused: number
}

export interface HowLong {
  readonly ms?: number
  readonly signal?: AbortSignal
  /** So many wait for their answers at once, at most: then it asks more slowly, and does not make up for it, or one address would ask more than it may. Default: however many. */
  readonly atOnce?: number
}

/** Less than what makes one address wait. */
const PER_SECOND = 150
const ANSWER_LIMIT = 30_000

/** Asks the questions by turns, in even steps, until the signal aborts or for so long. */
export async function askHonestly(questions: readonly Question[], until: HowLong): Promise<HonestReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 })
  const took: number[] = []
  const wrong: string[] = []
  let refused = 0
  const open = new Set<Promise<void>>()
  const began = performance.now()
  let due = began
  const isOver = (): boolean => until.signal?.aborted === true || performance.now() - began >= (until.ms ?? Number.POSITIVE_INFINITY)
  for (let asked = 0; !isOver(); asked++) {
    const early = due - performance.now()
    if (early > 0) await pause(early)
    while (open.size >= (until.atOnce ?? Number.POSITIVE_INFINITY)) await Promise.race(open)
    const sent = performance.now()
    const question = questions[asked % questions.length] as Question
    const one = ask(agent, question)
      .then((fault) => {
        if (fault === undefined) took.push(performance.now() - sent)
        else if (fault.startsWith('503 ')) refused += 1
        else wrong.push(fault)
      })
      .finally(() => open.delete(one))
    open.add(one)
    due = (until.atOnce === undefined ? due : sent) + 1_000 / PER_SECOND
  }
  await Promise.all(open)
  agent.destroy()
  return { took: took.sort((a, b) => a - b), wrong, refused }
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
        resolve(right ? undefined : `${response.statusCode} ${path}: ${text.slice(0, 200)}`)
      })
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
    asked.once('error', (error) => resolve(`${path}: ${error.message}`))
    asked.end()
  })
}
