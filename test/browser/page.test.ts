import type { Page } from 'playwright-core'
import { beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../core/ports/log-port.ts'
import { createIssuer } from '../../platform/oidc/index.ts'
import { freePort } from '../free-port.ts'
import { startRealIssuer } from '../unit/auth/issuer/real-issuer.ts'
import { PATIENT, redirectUriOf, settingsFor } from '../unit/auth/issuer/world.ts'
import { ensureChromium, INSTALL_LIMIT, openBrowser, press, problemOf, startWorld } from './chromium.ts'

/** One file: two would install the browser at once. */
beforeAll(ensureChromium, INSTALL_LIMIT)

const PASSWORD = 'pass word 1'
const NEXT = 'another pass word'

async function logIn(page: Page, url: string, name: string, password: string, action: 'Log in' | 'Register' = 'Log in'): Promise<void> {
  await page.goto(url)
  await page.locator('#login input[name=name]').fill(name)
  await page.locator('#login input[name=password]').fill(password)
  await press(page, action)
}

async function changePassword(page: Page, old: string, next: string, again = next): Promise<void> {
  await page.locator('#password input[name=old]').fill(old)
  await page.locator('#password input[name=next]').fill(next)
  await page.locator('#password input[name=again]').fill(again)
  await press(page, 'Change')
}

/** The page that is loaded anew can not go on with its cookie. */
async function expectOut(page: Page): Promise<void> {
  const [answer] = await Promise.all([page.waitForResponse(/\/v1\/sessions\/refresh$/), page.reload()])
  expect(answer.status()).toBe(401)
  await page.locator('#logout').waitFor({ state: 'hidden' })
}

test('in a browser: registering, the logins of an account and their end, another password, the end of the account', {
  timeout: 300_000,
}, async () => {
  const { url } = await startWorld({ port: 0 })
  const newPage = await openBrowser()
  const [page, other] = [await newPage(), await newPage()]

  await logIn(page, url, 'admin', PASSWORD, 'Register')
  expect(await problemOf(page)).toMatch(/name/i)
  await logIn(page, url, 'Ann', PASSWORD, 'Register')
  await page.getByText('Logged in as Ann').waitFor()
  // The refresh token is in a cookie that no script reads, and a page that is loaded anew goes on with it.
  await page.reload()
  await page.getByText('Logged in as Ann').waitFor()
  expect(await page.evaluate('document.cookie')).toBe('')
  expect((await page.context().cookies()).map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }))).toEqual([
    { name: '__Host-bailiwick-refresh', httpOnly: true, secure: true, sameSite: 'Strict' },
  ])

  await logIn(other, url, 'Ann', 'a wrong pass word')
  expect(await problemOf(other)).toMatch(/password/i)
  await logIn(other, url, 'Ann', PASSWORD)
  await other.getByText('Logged in as Ann').waitFor()
  await press(page, 'Account')
  await page.getByRole('heading', { name: '2 logins' }).waitFor()
  await page.getByRole('button', { name: /^End the login of / }).click()
  await page.getByRole('heading', { name: 'One login' }).waitFor()
  await expectOut(other)

  await changePassword(page, PASSWORD, NEXT, 'not the same')
  expect(await problemOf(page)).toContain('the same twice')
  await changePassword(page, 'a wrong pass word', NEXT)
  expect(await problemOf(page)).not.toContain('the same twice')
  await changePassword(page, PASSWORD, NEXT)
  await page.getByText('The password is changed').waitFor()
  await logIn(other, url, 'Ann', NEXT)
  await other.getByText('Logged in as Ann').waitFor()

  await press(page, 'Log out everywhere')
  await page.locator('#logout').waitFor({ state: 'hidden' })
  await expectOut(other)

  await logIn(page, url, 'Ann', NEXT)
  await press(page, 'Account')
  page.on('dialog', (dialog) => dialog.accept())
  await page.locator('#delete input[name=password]').fill(NEXT)
  await press(page, 'Delete')
  await page.getByText('The account is deleted').waitFor()
  await logIn(page, url, 'Ann', NEXT)
  expect(await problemOf(page)).toMatch(/password/i)
  // The name is free.
  await logIn(other, url, 'Ann', PASSWORD, 'Register')
  await other.getByText('Logged in as Ann').waitFor()
})

/** The page over a real issuer, at which whoever comes is Ann Bonny. */
async function worldOfAnn() {
  const port = await freePort()
  const issuer = await startRealIssuer([redirectUriOf(port)])
  issuer.person = { subject: '1', claims: { preferred_username: 'Ann Bonny' } }
  const { url } = await startWorld({
    port,
    issuers: [createIssuer(settingsFor(issuer, port), { log: silentLog, callDeadlineMs: PATIENT })],
  })
  const page = await (await openBrowser())()
  await page.goto(url)
  await press(page, 'Log in with Studio account')
  await page.getByRole('heading', { name: 'Choose a name' }).waitFor()
  return { url, issuer, page, name: page.locator('#name input') }
}

test('in a browser: a login at an issuer makes an account of a name that the player chooses, and is one that a page goes on with', {
  timeout: 300_000,
}, async () => {
  const { url, page, name } = await worldOfAnn()
  expect(await name.inputValue()).toBe('Ann_Bonny')
  await name.fill('admin')
  await press(page, 'Begin')
  expect(await problemOf(page)).toMatch(/name/i)
  await name.fill('Ann_Bonny')
  await press(page, 'Begin')
  await page.getByText('Logged in as Ann_Bonny').waitFor()
  // Nothing of the login is left in the address.
  expect(page.url()).toBe(`${url}/`)
  await page.reload()
  await page.getByText('Logged in as Ann_Bonny').waitFor()
  await press(page, 'Log out')
  await press(page, 'Log in with Studio account')
  await page.getByText('Logged in as Ann_Bonny').waitFor()
  await press(page, 'Log out')
  await page.locator('#logout').waitFor({ state: 'hidden' })
})

test('in a browser: the login of an issuer is removed from an account and added again, behind its password', {
  timeout: 300_000,
}, async () => {
  const { page } = await worldOfAnn()
  await press(page, 'Begin')
  await page.getByText('Logged in as Ann_Bonny').waitFor()
  await press(page, 'Account')
  await page.getByRole('heading', { name: 'Set a password' }).waitFor()
  await press(page, 'Remove Studio account')
  await press(page, 'Confirm')
  expect(await problemOf(page)).toMatch(/log in/i)
  await press(page, 'Not now')
  // Of an account without a password a login of a moment ago is asked for.
  await press(page, 'Log in with Studio account again')
  await page.locator('#done', { hasText: 'For ten minutes' }).waitFor()
  await page.locator('#password input[name=next]').fill(NEXT)
  await page.locator('#password input[name=again]').fill(NEXT)
  await press(page, 'Change')
  await page.getByRole('heading', { name: 'Change the password' }).waitFor()
  await press(page, 'Remove Studio account')
  await page.locator('#confirm input').fill(NEXT)
  await press(page, 'Confirm')
  await page.getByText('does not open this account any more').waitFor()
  await press(page, 'Add Studio account')
  await page.getByRole('heading', { name: 'Studio account shall open this account, too' }).waitFor()
  await page.locator('#confirm input').fill('a wrong pass word')
  await press(page, 'Confirm')
  expect(await problemOf(page)).toMatch(/password/i)
  await page.locator('#confirm input').fill(NEXT)
  await press(page, 'Confirm')
  await page.getByText('opens this account from now on').waitFor()
  await page.getByRole('button', { name: 'Remove Studio account' }).waitFor()
})
