import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** What a command talks to: lines out, lines in. */
export interface Terminal {
  out(line: string): void
  err(line: string): void
  /** Lines as they come; ends with the input or when `stop` aborts. */
  lines(stop: AbortSignal): AsyncIterable<string>
  /** Aborts when the user wants to stop (Ctrl-C). */
  readonly interrupted: AbortSignal
}

/** A terminal over streams. What others say reaches `write` without control characters, so that nobody writes on another's screen. */
export function createTerminal(
  input: Readable,
  write: (text: string) => void,
  writeError: (text: string) => void,
  interrupted: AbortSignal = new AbortController().signal,
): Terminal {
  return {
    interrupted,
    out: (line) => write(`${printable(line)}\n`),
    err: (line) => writeError(`${printable(line)}\n`),
    async *lines(stop) {
      const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
      const close = (): void => reader.close()
      stop.addEventListener('abort', close)
      try {
        if (!stop.aborted) yield* reader
      } finally {
        stop.removeEventListener('abort', close)
        reader.close()
      }
    },
  }
}

/** Calls back once the user wants to stop; at once when that was before. */
export function whenInterrupted({ interrupted }: Terminal, call: () => void): void {
  if (interrupted.aborted) call()
  else interrupted.addEventListener('abort', call, { once: true })
}

function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, (character) => (character === '\n' ? '\n' : '�'))
}
