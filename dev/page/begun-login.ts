/** What a login at an issuer was begun for: to log in; to have it open the account that is logged in; to prove that it is still its player who is there. */
export type LoginPurpose = 'log in' | 'link' | 'prove'

/** The storage of one tab, which is still there when the browser comes back to it from another site. */
export interface TabStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

const KEY = 'bailiwick-login'
const purposes: readonly LoginPurpose[] = ['log in', 'link', 'prove']

/** Remembers that this tab begins a login. */
export function keepBegun(tab: TabStorage, purpose: LoginPurpose): void {
  tab.setItem(KEY, purpose)
}

/**
 * What the address says of a login that this tab began: `Done`, or the code of an error. Undefined: nothing, or of one that this tab did not begin, for anybody's link may say that. Asked twice there
 * is nothing any more.
 */
export function cameBack(tab: TabStorage, hash: string): { readonly told: string; readonly purpose: LoginPurpose } | undefined {
  const told = /^#login=(\w{1,40})$/.exec(hash)?.[1]
  const begun = tab.getItem(KEY)
  tab.removeItem(KEY)
  const purpose = purposes.find((each) => each === begun)
  return told === undefined || purpose === undefined ? undefined : { told, purpose }
}
