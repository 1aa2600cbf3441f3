import type { Logger } from 'pino'
import { pino } from 'pino'
import type { Log, LogFields } from '../../core/ports/log-port.ts'
import { redactFields, redactText } from './redact.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  /** The program's name, in every line. */
  readonly name: string
  /** Default: info. */
  readonly level?: LogLevel
  /** Where lines go; default: standard output. Tests collect them. */
  readonly destination?: { write(line: string): void }
}

/** A structured log over pino, one JSON line an event. Secrets are replaced by name and by form, at any depth. */
export function createLog(options: LogOptions): Log {
  const settings = {
    name: options.name,
    level: options.level ?? 'info',
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return wrap(options.destination === undefined ? pino(settings) : pino(settings, options.destination))
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields, event) => write(logger, 'debug', fields, event),
    info: (fields, event) => write(logger, 'info', fields, event),
    warn: (fields, event) => write(logger, 'warn', fields, event),
    error: (fields, event) => write(logger, 'error', fields, event),
    child: (fields) => wrap(logger.child(redactFields(fields))),
  }
}

function write(logger: Logger, level: 'debug' | 'info' | 'warn' | 'error', fields: LogFields, event: string): void {
  // Redaction walks the fields: not for lines that nobody will see.
  if (!logger.isLevelEnabled(level)) return
  logger[level](redactFields(fields), redactText(event))
}
