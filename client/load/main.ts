// `npm run load`: a crowd of new players in a real zone, through the real services.
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { describeError } from '../../core/errors.ts'
import { CELL } from '../../core/protocol/cells.ts'
import { LOAD_JOIN_LIMIT, LOAD_SETTLE } from '../../core/timing.ts'
import { bailiwickDialect } from './bailiwick-dialect.ts'
import { Crowd, type CrowdReport } from './crowd.ts'
import { type LoadOptions, readLoadOptions, usage } from './options.ts'
import { doorOf, newPlayers } from './players.ts'

/** Where the world's borders are is the server's to say; walkers only need some to turn at. Millimetres. */
const somewhere = { min: { x: 0, y: 0 }, max: { x: 1_000_000, y: 1_000_000 } }

try {
  const options = readLoadOptions(process.argv.slice(2))
  if (options === undefined) print(usage)
  else await run(options)
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`)
  process.exitCode = 1
}

async function run({ zone, clients, seconds, url, rateHz }: LoadOptions): Promise<void> {
  print(`making ${clients} characters at ${url}`)
  const players = await newPlayers(clients, url)
  const crowd = new Crowd({
    ...{ count: clients, dialect: bailiwickDialect, bounds: somewhere, seed: Date.now(), frameRateHz: rateHz, cell: CELL },
    door: (i) => doorOf(players[i], zone),
  })
  try {
    await crowd.join(LOAD_JOIN_LIMIT)
    print(`${clients} clients are in ${zone}; measuring for ${seconds} s`)
    await delay(LOAD_SETTLE)
    tell(await crowd.measure(seconds * 1_000))
    if (crowd.firstLoss !== undefined) print(`the first connection that was lost: ${crowd.firstLoss}`)
  } finally {
    crowd.close()
  }
}

function tell({ gaps, arrived, due, missedTicks, bytesPerClientSecond, bytesPerUpdate, sent, lost, headroom }: CrowdReport): void {
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  print(
    `gap between state frames: p50 ${ms(gaps.p50)}, p99 ${ms(gaps.p99)}, max ${ms(gaps.max)}; p99 of the worst client ${ms(gaps.worstClientP99)}`,
  )
  print(`frames: ${arrived} of ${due} due (${((arrived / due) * 100).toFixed(1)}%), ${missedTicks ?? 0} ticks missed; moves sent: ${sent}`)
  const updates = bytesPerUpdate === undefined ? '' : `, ${bytesPerUpdate.toFixed(1)} an entity update`
  print(`bytes: ${Math.round(bytesPerClientSecond)} a client and second${updates}; connections lost: ${lost}`)
  const own = `${Math.round(headroom.cpu * 100)}% of a core, its loop late by p99 ${ms(headroom.delayP99)}, max ${ms(headroom.delayMax)}`
  print(
    `the load generator itself: ${own}${headroom.saturated ? '; SATURATED: what is above may be its own lateness, the result is invalid' : ''}`,
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
