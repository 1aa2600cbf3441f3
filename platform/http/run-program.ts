import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../../core/errors.ts'
import type { Log } from '../../core/ports/log-port.ts'
import { PROGRAM_STOP_LIMIT } from '../../core/timing.ts'
import type { z } from '../../core/validate/index.ts'
import { readConfig, variables } from '../config/index.ts'
import { createLog } from '../log/index.ts'

export interface Program {
  /** Stops gracefully. */
  close(): Promise<void>
  /** Settles when the program ends by itself; a rejection is its failure. Absent: it runs until it is told to stop. */
  readonly done?: Promise<void>
  /** Default: PROGRAM_STOP_LIMIT, ms. */
  readonly stopLimitMs?: number
  /** When it ended by itself and is closed: its process waits so long for a signal to stop before it exits, ms. Default: 0. */
  readonly lingerMs?: number
}

export interface Started<S extends z.ZodRawShape> {
  readonly config: z.output<z.ZodObject<S>>
  readonly log: Log
}

/**
 * The frame of every main.ts. Reads the environment variables of `shape` (and LOG_LEVEL), runs `start`, and stops what it gave at SIGTERM
 * or SIGINT (a second one ends it at once). Whatever nobody caught is logged and ends the process with exit code 1: a process in an
 * unknown state must not go on.
 */
export function runProgram<S extends z.ZodRawShape>(name: string, shape: S, start: (given: Started<S>) => Promise<Program>): void {
  const log = logOf(name)
  let program: Program | undefined
  let ending = false
  const fail = (error: unknown, event: string): never => {
    log.error({ error, detail: describeError(error) }, event)
    process.exit(1)
  }
  const signalled = Promise.withResolvers<void>()
  const end = (code: number, lingerMs = 0): void => {
    if (ending) return
    ending = true
    const stopped = stop(program, log).then(() => (lingerMs > 0 ? Promise.race([signalled.promise, sleep(lingerMs)]) : undefined))
    stopped.then(
      () => process.exit(code),
      (error: unknown) => fail(error, 'the program did not stop cleanly'),
    )
  }
  process.on('uncaughtException', (error) => fail(error, 'an error that nobody caught'))
  process.on('unhandledRejection', (error) => fail(error, 'a rejection that nobody caught'))
  const begun = Promise.resolve()
    .then(() => start({ config: readConfig(shape, process.env), log }))
    .then(
      (running) => {
        program = running
        running.done?.then(
          () => end(0, running.lingerMs),
          (error: unknown) => {
            log.error({ error, detail: describeError(error) }, 'the program failed')
            end(1)
          },
        )
      },
      (error: unknown) => fail(error, 'the program could not start'),
    )
  let asked = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(1)
      asked = true
      signalled.resolve()
      log.info({ signal }, 'asked to stop')
      // Asked before it has started: it ends as soon as it has.
      void begun.then(() => end(0))
    })
  }
}

async function stop(program: Program | undefined, log: Log): Promise<void> {
  const limit = setTimeout(() => {
    log.error({}, 'the program did not stop in time and is ended')
    process.exit(1)
  }, program?.stopLimitMs ?? PROGRAM_STOP_LIMIT)
  await program?.close()
  clearTimeout(limit)
}

/** A log also when LOG_LEVEL itself is what is wrong. */
function logOf(name: string): Log {
  try {
    return createLog({ name, level: readConfig({ LOG_LEVEL: variables.logLevel() }, process.env).LOG_LEVEL })
  } catch (error) {
    createLog({ name }).error({ detail: describeError(error) }, 'the program could not start')
    return process.exit(1)
  }
}
