import { BailiwickError } from '../../core/errors.ts'
import type { Store } from '../../core/ports/store-port.ts'
import { Prepared, replayed } from '../../platform/http/index.ts'
import type { TokenSigner } from '../../platform/tokens/index.ts'
import type { StoredAccount } from './accounts.ts'
import { keepCookie } from './cookie.ts'
import { sessionAnswer } from './schemas.ts'
import type { OpenSession } from './sessions.ts'
import { staffRoleOf } from './staff.ts'
import { rolesOf } from './standing.ts'
import type { Attempt } from './throttle.ts'

interface AnswerDeps {
  readonly store: Store
  readonly signer: TokenSigner
}

export type RefreshIn = 'body' | 'cookie'

/** What others may know of an account. */
export function accountView({ id, name }: StoredAccount): { readonly id: string; readonly name: string } {
  return { id, name }
}

/** The answer with the tokens of a session. `cookies`: what else is to be set. */
export async function tokensAnswer(
  { store, signer }: AnswerDeps,
  status: number,
  open: OpenSession,
  refreshIn: RefreshIn,
  cookies: readonly string[] = [],
): Promise<Prepared> {
  const { account, session, refreshToken } = open
  const signed = await signer.sign({
    account: account.id,
    name: account.name,
    session,
    roles: rolesOf(await staffRoleOf(store, account.id)),
  })
  const body = { account: accountView(account), ...signed, ...(refreshIn === 'body' ? { refreshToken } : {}) }
  const set = [...(refreshIn === 'body' ? [] : [keepCookie(refreshToken)]), ...cookies]
  const answer = new Prepared(status, set.length === 0 ? {} : { 'set-cookie': set }, JSON.stringify(sessionAnswer.parse(body)))
  return open.again ? replayed(answer) : answer
}

/** Tells the throttle how a look at a password ended. */
export async function counted<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work()
    attempt.succeeded()
    return result
  } catch (error) {
    if (!(error instanceof BailiwickError && error.code === 'WrongCredentials')) attempt.unanswered()
    throw error
  }
}
