import process from 'node:process'
import { runCommand } from './command/run.ts'
import { createTerminal } from './command/terminal.ts'

const interrupt = new AbortController()
// The first one leaves the zone properly; the second one ends the program as ever.
process.once('SIGINT', () => interrupt.abort())
const terminal = createTerminal(
  process.stdin,
  (text) => void process.stdout.write(text),
  (text) => void process.stderr.write(text),
  interrupt.signal,
)

// Whoever reads our output may stop reading (| head): then there is nobody left to tell.
process.stdout.on('error', () => process.exit(0))
process.exitCode = await runCommand(process.argv.slice(2), process.env, terminal)
// An open standard input must not keep a finished command alive.
process.stdin.unref?.()
