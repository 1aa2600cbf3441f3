import { type Client, type IssuerName, type LinkedLogin, randomKey } from '../../client/index.ts'
import { catalogue } from '../../core/errors.ts'
import { cameBack, keepBegun, type LoginPurpose } from './begun-login.ts'
import { type Attempt, askPassword, button, element, listItem, onSubmit, showSection, textOf } from './dom.ts'

export interface IssuersDeps {
  readonly client: Client
  readonly attempt: Attempt
  readonly say: (line: string) => void
  /** Somebody is logged in, or nobody any more. */
  readonly onIn: () => Promise<void>
  /** Shows the account's own page. */
  readonly showAccount: () => Promise<void>
}

export interface IssuersPage {
  /** A button for each issuer that a player may log in with. */
  showButtons(): Promise<void>
  /** The accounts elsewhere that open this one. */
  showIdentities(hasPassword: boolean): Promise<void>
  /** What came back from an issuer is done; false: nothing did. */
  comeBack(): Promise<boolean>
}

/** Logging in with accounts of other issuers. */
export function issuersPage({ client, attempt, say, onIn, showAccount }: IssuersDeps): IssuersPage {
  const nameForm = element('name', HTMLFormElement)
  const confirmForm = element('confirm', HTMLFormElement)
  let known: Promise<readonly IssuerName[]> | undefined
  const issuers = (): Promise<readonly IssuerName[]> => {
    known ??= client.issuers.list()
    return known
  }
  /** What is done when the password was written. */
  let confirmed: (password: string | undefined) => Promise<void> = async () => undefined

  onSubmit(nameForm, attempt, async () => {
    await client.issuers.login({ name: textOf(nameForm, 'name') })
    nameForm.reset()
    await onIn()
  })
  onSubmit(confirmForm, attempt, async () => {
    const password = textOf(confirmForm, 'password')
    await confirmed(password === '' ? undefined : password)
    hideConfirm()
    await showAccount()
  })
  element('confirm-not', HTMLButtonElement).addEventListener('click', hideConfirm)

  function beginning(label: string, { id }: IssuerName, purpose: LoginPurpose): HTMLButtonElement {
    return button(label, () => {
      keepBegun(sessionStorage, purpose)
      location.assign(client.issuers.pageUrl(id, '/', { fresh: purpose === 'prove' }))
    })
  }

  function hideConfirm(): void {
    confirmForm.reset()
    confirmForm.hidden = true
  }

  function confirmWith(title: string, hasPassword: boolean, work: typeof confirmed): void {
    element('confirm-title', HTMLHeadingElement).textContent = title
    askPassword(confirmForm, 'password', hasPassword)
    confirmForm.hidden = false
    confirmed = work
  }

  function row(login: LinkedLogin, hasPassword: boolean): HTMLLIElement {
    const name = login.name ?? login.issuer
    const remove = button('Remove', () => {
      // Of one wish: whoever had no answer presses again.
      const key = randomKey()
      confirmWith(`${name} shall not open this account any more`, hasPassword, async (password) => {
        await client.issuers.unlink(login.id, password, key)
        say(`${name} does not open this account any more.`)
      })
    })
    remove.setAttribute('aria-label', `Remove ${name}`)
    const words = document.createElement('span')
    words.textContent = name
    return listItem(words, remove)
  }

  async function link(): Promise<void> {
    const { issuer, account } = await client.issuers.identify()
    await client.resume()
    await onIn()
    const { hasPassword } = await client.profile()
    await showAccount()
    if (account !== null) throw new Error(`This login at ${issuer.name} opens the account ${account.name} already.`)
    const key = randomKey()
    confirmWith(`${issuer.name} shall open this account, too`, hasPassword, async (password) => {
      await client.issuers.link(password === undefined ? {} : { password }, key)
      say(`${issuer.name} opens this account from now on.`)
    })
  }

  async function prove(): Promise<void> {
    const { issuer, account } = await client.issuers.identify()
    const here = await client.resume()
    await onIn()
    if (account === null || account.id !== here?.id)
      throw new Error(`This login at ${issuer.name} does not open the account that is logged in.`)
    await client.issuers.login({})
    await showAccount()
    say('For ten minutes you can change what opens this account, and delete it.')
  }

  async function logIn(): Promise<void> {
    const { issuer, account, suggestedName } = await client.issuers.identify()
    if (account !== null) {
      await client.issuers.login({})
      return onIn()
    }
    element('known-as', HTMLParagraphElement).textContent = `You are logged in at ${issuer.name}. What shall others call you here?`
    const input = nameForm.elements.namedItem('name')
    if (input instanceof HTMLInputElement) input.value = suggestedName ?? ''
    showSection('newcomer')
  }

  return {
    async showButtons() {
      const all = await issuers()
      const buttons = all.map((each) => beginning(`Log in with ${each.name}`, each, 'log in'))
      const place = element('issuers', HTMLParagraphElement)
      place.replaceChildren(...buttons)
      place.hidden = buttons.length === 0
    },
    async showIdentities(hasPassword) {
      hideConfirm()
      const [all, linked] = await Promise.all([issuers(), client.issuers.linked()])
      element('identities', HTMLUListElement).replaceChildren(...linked.map((each) => row(each, hasPassword)))
      const buttons = all.map((each) => beginning(`Add ${each.name}`, each, 'link'))
      element('add-identity', HTMLParagraphElement).replaceChildren(...buttons)
      const own = all.filter(({ name }) => linked.some((each) => each.name === name))
      const again = own.map((each) => beginning(`Log in with ${each.name} again`, each, 'prove'))
      element('prove', HTMLParagraphElement).replaceChildren(...again)
      // Where there is a password it is asked for.
      element('proving', HTMLDivElement).hidden = hasPassword
      element('linked', HTMLDivElement).hidden = all.length + linked.length === 0
    },
    async comeBack() {
      const back = cameBack(sessionStorage, location.hash)
      // Once: a page that is loaded anew must not do it again.
      if (location.hash.startsWith('#login=')) history.replaceState(null, '', '/')
      if (back === undefined) return false
      const { told, purpose } = back
      if (told === 'Done') {
        await { 'log in': logIn, link, prove }[purpose]()
        return true
      }
      await client.resume()
      await onIn()
      throw new Error(
        `The login did not succeed: ${Object.hasOwn(catalogue, told) ? catalogue[told as keyof typeof catalogue].title : told}.`,
      )
    },
  }
}
