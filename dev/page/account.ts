import type { Client, SessionSummary } from '../../client/index.ts'
import { type Attempt, askPassword, button, element, listItem, onSubmit, textOf } from './dom.ts'

export interface AccountDeps {
  readonly client: Client
  readonly attempt: Attempt
  /** Says that something was done. */
  readonly say: (line: string) => void
  /** Nobody is logged in any more. */
  readonly onGone: () => Promise<void>
  /** Shows the accounts elsewhere that open this one. */
  readonly showIdentities: (hasPassword: boolean) => Promise<void>
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** Of a browser its name and system, each the first that fits: all call themselves Safari too. */
function shortName(agent: string): string {
  if (agent === '') return 'A client without a name'
  const browser = /\b(Firefox|Edg|OPR|HeadlessChrome|Chrome|Safari)\//.exec(agent)?.[1]
  const system = /\b(Android|iPhone|iPad|Windows|Mac OS X|Linux)\b/.exec(agent)?.[1]
  if (browser === undefined || system === undefined) return agent
  return `${{ Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome' }[browser] ?? browser} on ${system}`
}

/** The account's own page: its sessions, its password, its end. Answers what shows it anew. */
export function accountPage({ client, attempt, say, onGone, showIdentities }: AccountDeps): () => Promise<void> {
  const passwordForm = element('password', HTMLFormElement)
  const passwordTitle = element('password-title', HTMLHeadingElement)
  const deleteForm = element('delete', HTMLFormElement)
  let hasPassword = true
  /** What is sent for the password: nothing of an account that has none. */
  const given = (form: HTMLFormElement, name: string): string | undefined => (hasPassword ? textOf(form, name) : undefined)
  const show = async (): Promise<void> => {
    const sessions = await client.sessions.list()
    element('sessions', HTMLUListElement).replaceChildren(...sessions.map(row))
    element('logins', HTMLHeadingElement).textContent = sessions.length === 1 ? 'One login' : `${sessions.length} logins`
    hasPassword = (await client.profile()).hasPassword
    askPassword(passwordForm, 'old', hasPassword)
    askPassword(deleteForm, 'password', hasPassword)
    passwordTitle.textContent = hasPassword ? 'Change the password' : 'Set a password'
    await showIdentities(hasPassword)
  }

  function row(session: SessionSummary): HTMLLIElement {
    const words = document.createElement('span')
    const used = time.format(new Date(session.usedAt))
    const name = shortName(session.agent)
    words.textContent = `${name}, last used ${used}${session.current ? ' (this one)' : ''}`
    words.title = session.agent
    if (session.current) return listItem(words)
    const end = button('End', () =>
      attempt(async () => {
        await client.sessions.revoke(session.id)
        await show()
        say('That login has ended.')
      }),
    )
    end.setAttribute('aria-label', `End the login of ${name}, last used ${used}`)
    return listItem(words, end)
  }

  element('everywhere', HTMLButtonElement).addEventListener('click', () =>
    attempt(async () => {
      await client.sessions.revokeAll()
      await onGone()
    }),
  )

  onSubmit(passwordForm, attempt, async () => {
    const [old, next, again] = [given(passwordForm, 'old'), textOf(passwordForm, 'next'), textOf(passwordForm, 'again')]
    if (next !== again) throw new Error('The new password was not written the same twice.')
    await client.changePassword(old, next)
    passwordForm.reset()
    await show()
    say('The password is changed; all other logins have ended.')
  })

  onSubmit(deleteForm, attempt, async () => {
    if (!confirm('Delete the account and its characters for good?')) return
    await client.deleteAccount(given(deleteForm, 'password'))
    deleteForm.reset()
    await onGone()
    say('The account is deleted.')
  })

  return show
}
