import { BailiwickError } from '../../core/errors.ts'
import { FRESH_LOGIN } from '../../core/timing.ts'
import { checkPassword } from './accounts.ts'
import { counted } from './answers.ts'
import type { LiveCaller, RouteDeps } from './deps.ts'
import { loginTimeOf } from './sessions.ts'

/**
 * Makes sure, before something is done to an account that can't be taken back, that it is not somebody who found an open page: by the password, or, of an account that has none, by a login at its issuer of a moment ago:
 * not by one of this session's, for which a browser that is logged in there needs nobody. Throws WrongCredentials, TooManyRequests, Busy; LoginTooOld.
 */
export async function confirmOwner(deps: RouteDeps, caller: LiveCaller, password: string | undefined, address: string): Promise<void> {
  const account = caller.stored
  if (account.passwordHash !== null) {
    // Whoever found an open page must not guess the password here without limit.
    await counted(deps.throttle.enter(account.name, address), () => checkPassword(deps, account, password ?? ''))
    return
  }
  const loggedInAt = await loginTimeOf(deps.store, caller.session)
  if (loggedInAt === undefined || deps.clock.now() - loggedInAt > FRESH_LOGIN) {
    throw new BailiwickError('LoginTooOld', {
      todo: `log in at the issuer with fresh=true, then ask within ${FRESH_LOGIN / 60_000} minutes`,
    })
  }
}
