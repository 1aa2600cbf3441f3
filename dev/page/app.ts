import {
  type Character,
  createClient,
  memorySessionStore,
  pageSessionStore,
  type SessionStatus,
  type ZoneHandlers,
  type ZoneSession,
} from '../../client/index.ts'
import type { ContentMap } from '../../core/content.ts'
import { EMOTES } from '../../core/protocol/emotes.ts'
import { accountPage } from './account.ts'
import { button, element, listItem, onSubmit, showSection, textOf } from './dom.ts'
import { issuersPage } from './issuers.ts'
import { ZoneMap } from './map.ts'
import { walkWithArrows } from './walk.ts'

const LOG_LINES = 200
const ZONES_EVERY_MS = 2_000

// Over plain HTTP from another machine a browser keeps no cookie of ours: there a login lasts as long as the page.
const client = createClient({
  ...{ authUrl: location.origin, charactersUrl: location.origin, allocatorUrl: location.origin },
  refreshIn: isSecureContext ? 'cookie' : 'body',
  sessions: isSecureContext ? pageSessionStore() : memorySessionStore(),
})
const map = new ZoneMap(element('map', HTMLCanvasElement))
let session: ZoneSession | undefined
let character: Character | undefined
/** The epoch whose walls are drawn: other content comes with another one. */
let wallsOf: number | undefined
let zoneTimer: ReturnType<typeof setInterval> | undefined

const accountButton = element('account-open', HTMLButtonElement)
const status = element('status', HTMLParagraphElement)
const error = element('error', HTMLParagraphElement)
const done = element('done', HTMLParagraphElement)
const log = element('log', HTMLOListElement)

function show(failure: unknown): void {
  error.textContent = failure instanceof Error ? failure.message : String(failure)
  error.hidden = false
}

/** Runs what a click or a submit asked for; what goes wrong is shown under the page, never swallowed. */
function attempt(work: () => Promise<void>): void {
  error.hidden = true
  done.textContent = ''
  work().catch(show)
}

function say(line: string): void {
  log.append(listItem(line))
  while (log.childElementCount > LOG_LINES) log.firstElementChild?.remove()
  log.scrollTop = log.scrollHeight
}

async function enterAccount(): Promise<void> {
  const account = await client.account()
  status.textContent = account === undefined ? 'Not logged in' : `Logged in as ${account.name}`
  element('logout', HTMLButtonElement).hidden = account === undefined
  accountButton.hidden = account === undefined
  accountButton.setAttribute('aria-expanded', 'false')
  showSection(account === undefined ? 'login' : 'choose')
  clearInterval(zoneTimer)
  if (account === undefined) return
  zoneTimer = setInterval(() => void showZones().catch(show), ZONES_EVERY_MS)
  await Promise.all([showCharacters(), showZones()])
}

async function showCharacters(): Promise<void> {
  const list = await client.characters.list()
  character = list.find((each) => each.id === character?.id) ?? list[0]
  element('characters', HTMLUListElement).replaceChildren(
    ...list.map((each) => {
      const choose = button(each.name, () => {
        character = each
        attempt(showCharacters)
      })
      choose.setAttribute('aria-pressed', String(each.id === character?.id))
      const change = each.deletesAt == null ? deleteButton(each) : restoreButton(each)
      return listItem(choose, change)
    }),
  )
}

function deleteButton(each: Character): HTMLButtonElement {
  const remove = button('Delete', () => {
    if (!confirm(`Delete ${each.name}? For some days it can be restored.`)) return
    attempt(async () => {
      await client.characters.delete(each.id, each.version)
      await showCharacters()
    })
  })
  remove.setAttribute('aria-label', `Delete ${each.name}`)
  return remove
}

function restoreButton(each: Character): HTMLButtonElement {
  const restore = button('Restore', () => {
    attempt(async () => {
      await client.characters.restore(each.id)
      await showCharacters()
    })
  })
  restore.setAttribute('aria-label', `Restore ${each.name}, which will be deleted at ${each.deletesAt ?? 'some time'}`)
  return restore
}

async function showZones(): Promise<void> {
  const zones = await client.zones.list()
  element('zones', HTMLUListElement).replaceChildren(
    ...zones.map((zone) => {
      const id = `${zone.namespace}/${zone.name}`
      const players = zone.players === 1 ? '1 player' : `${zone.players} players`
      return listItem(button(`${id}: ${zone.state.toLowerCase()}, ${players}`, () => attempt(async () => enterZone(id))))
    }),
  )
}

function enterZone(zone: string): void {
  if (character === undefined) throw new Error('Create a character first.')
  clearInterval(zoneTimer)
  accountButton.hidden = true
  log.replaceChildren()
  showSection('play')
  session = client.joinZone(zone, character.id, handlers())
  wallsOf = undefined
  map.show(session)
  element('map', HTMLCanvasElement).focus()
}

function handlers(): ZoneHandlers {
  return {
    welcome(welcome) {
      say(`You are in ${welcome.layer} (epoch ${welcome.epoch}).`)
    },
    appeared: showNear,
    vanished: showNear,
    state({ epoch }) {
      showPlace()
      if (epoch !== wallsOf) attempt(() => showWalls(epoch))
    },
    said: (from, text) => say(`${from}: ${text}`),
    told: (from, text) => say(`${from} tells you: ${text}`),
    emoted: (entity, emote) => say(`${entity?.name ?? 'Somebody'}: ${EMOTES[emote - 1] ?? 'a gesture'}`),
    held: (held) => say(held ? 'The place stands still for a moment; nothing is lost.' : 'The place goes on.'),
    inventory: showInventory,
    refused: (refusal) => say(`Refused: ${refusal.message}`),
    redirect: (reason) => say(`The place moves (${reason}); joining again.`),
    status: showStatus,
  }
}

async function showWalls(epoch: number): Promise<void> {
  wallsOf = epoch
  const [namespace, name] = (session?.view.welcome?.layer ?? '').split('/')
  const answer = await fetch(`/content/${namespace}/${name}`)
  const content: { readonly map?: ContentMap } = await answer.json()
  if (epoch === wallsOf) map.showWalls(content.map)
}

function showStatus(now: SessionStatus): void {
  if (now.state === 'playing') {
    status.textContent = `${character?.name ?? ''} is playing`
    showInventory()
    showNear()
  } else if (now.state === 'joining') status.textContent = 'Joining …'
  else if (now.state === 'waiting') {
    status.textContent = `Waiting: ${now.because}`
    say(`Waiting ${Math.ceil(now.forMs / 1_000)} s: ${now.because}`)
  } else {
    session = undefined
    map.show(undefined)
    attempt(enterAccount)
    if (now.end.reason === 'refused') show(now.end.error)
    if (now.end.reason === 'goodbye') show(new Error(`The zone ended the stay: ${now.end.said}`))
  }
}

function showPlace(): void {
  const me = session?.view.me
  if (me !== undefined)
    element('place', HTMLParagraphElement).textContent = `x ${(me.x / 1_000).toFixed(1)} m, y ${(me.y / 1_000).toFixed(1)} m`
}

function showNear(): void {
  const view = session?.view
  if (view === undefined) return
  const others = [...view.entities.values()].filter((entity) => entity.id !== view.welcome?.entity)
  element('near', HTMLUListElement).replaceChildren(
    ...others.map((entity) =>
      entity.kind === 'item' ? listItem(button(`Pick up ${entity.name}`, () => session?.pickUp(entity.id))) : listItem(entity.name),
    ),
  )
}

function showInventory(): void {
  element('inventory', HTMLUListElement).replaceChildren(
    ...(session?.view.inventory ?? []).map((item) => listItem(button(`Drop ${item.kind}`, () => session?.drop(item.id)))),
  )
}

async function speak(text: string): Promise<void> {
  const tell = /^\/tell\s+(\S+)\s+(.+)$/.exec(text)
  if (tell === null) return session?.say(text)
  const [, to = '', words = ''] = tell
  const outcome = await session?.tell(to, words)
  say(outcome === 'delivered' ? `You tell ${to}: ${words}` : `Nobody of the name ${to} heard you.`)
}

const loginForm = document.querySelector('#login form')
if (!(loginForm instanceof HTMLFormElement)) throw new Error('the page has no login form')
onSubmit(loginForm, attempt, async (event) => {
  const name = textOf(loginForm, 'name')
  const password = textOf(loginForm, 'password')
  if (event.submitter instanceof HTMLButtonElement && event.submitter.value === 'register') await client.register(name, password)
  await client.login(name, password)
  loginForm.reset()
  await enterAccount()
})

const createForm = element('create', HTMLFormElement)
onSubmit(createForm, attempt, async () => {
  character = await client.characters.create(textOf(createForm, 'name'))
  createForm.reset()
  await showCharacters()
})

const sayForm = element('say', HTMLFormElement)
onSubmit(sayForm, attempt, async () => {
  const text = textOf(sayForm, 'text').trim()
  sayForm.reset()
  // Not waited for: the next thing may be said before anybody heard this one.
  if (text !== '') attempt(() => speak(text))
})

element('leave', HTMLButtonElement).addEventListener('click', () => void session?.leave())
element('logout', HTMLButtonElement).addEventListener('click', () =>
  attempt(async () => {
    await session?.leave()
    await client.logout()
    await enterAccount()
  }),
)

const tell = (line: string): void => {
  done.textContent = line
}
const issuers = issuersPage({ client, attempt, say: tell, onIn: enterAccount, showAccount: openAccount })
const showAccount = accountPage({ client, attempt, say: tell, onGone: enterAccount, showIdentities: issuers.showIdentities })

async function openAccount(): Promise<void> {
  clearInterval(zoneTimer)
  await showAccount()
  showSection('account')
  accountButton.setAttribute('aria-expanded', 'true')
}

accountButton.addEventListener('click', () =>
  attempt(async () => {
    if (accountButton.getAttribute('aria-expanded') === 'true') return enterAccount()
    await openAccount()
  }),
)

walkWithArrows(() => session)
// Elsewhere a browser keeps no cookie of ours, and a login at an issuer needs one.
if (isSecureContext) attempt(issuers.showButtons)
attempt(async () => {
  if (isSecureContext) {
    if (await issuers.comeBack()) return
    await client.resume()
  }
  await enterAccount()
})
