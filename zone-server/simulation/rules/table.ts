import { type ByteReader, type ByteWriter, check } from '../bytes.ts'
import { drop } from './drop.ts'
import { emote } from './emote.ts'
import { give } from './give.ts'
import { leave } from './leave.ts'
import { look } from './look.ts'
import { move } from './move.ts'
import { pickUp } from './pick-up.ts'
import type { Rule } from './rule.ts'
import { say } from './say.ts'
import { tell } from './tell.ts'

/** Everything that players can do, by the kind of input. */
const rules = { move, say, tell, pickUp, drop, give, emote, look, leave } as const

type Rules = typeof rules
type BodyOf<R> = R extends Rule<infer B> ? B : never

/** What a player asks for. */
export type PlayerBody = BodyOf<Rules[keyof Rules]>

const byCode: readonly (Rule<PlayerBody> | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  (Object.values(rules) as unknown as readonly Rule<PlayerBody>[]).find((rule) => rule.code === code),
)

/** The rule for a body. */
export function ruleOf(body: PlayerBody): Rule<PlayerBody> {
  // A body is only ever given to the rule of its own kind.
  return rules[body.kind] as unknown as Rule<PlayerBody>
}

/** Writes the code of the body's kind and its fields. */
export function writePlayerBody(to: ByteWriter, body: PlayerBody): void {
  const rule = ruleOf(body)
  to.u8(rule.code)
  rule.write(to, body)
}

/** Reads the fields behind a code. Throws StoreCorrupt. */
export function readPlayerBody(code: number, from: ByteReader): PlayerBody {
  const rule = byCode[code]
  check(rule !== undefined, `an input with the code ${code}`)
  return rule.read(from)
}
