import { BailiwickError } from './errors.ts'

const grammar = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?(?:(\d{1,6})ms)?$/

/** Milliseconds of a duration as Kubernetes writes it: `5m`, `1h30m`, `90s`, `500ms`. Throws InvalidInput. */
export function parseDuration(text: string): number {
  const match = text === '' ? null : grammar.exec(text)
  if (match === null)
    throw new BailiwickError('InvalidInput', { asked: `duration ${JSON.stringify(text)}`, todo: 'write it like 30s, 5m or 1h30m' })
  const [, h, m, s, ms] = match
  return Number(h ?? 0) * 3_600_000 + Number(m ?? 0) * 60_000 + Number(s ?? 0) * 1_000 + Number(ms ?? 0)
}
