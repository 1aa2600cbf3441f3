import { setTimeout } from 'node:timers/promises'
import { describeError } from '../../core/errors.ts'
import { EMOTES } from '../../core/protocol/emotes.ts'
import { type Client, describePosition, type ZoneSession } from '../index.ts'
import { aThing, describeEntity, describeInventory, narrator } from './narrate.ts'
import { type Terminal, whenInterrupted } from './terminal.ts'

const directions: Readonly<Record<string, readonly [number, number]>> = { north: [0, 1], south: [0, -1], east: [1, 0], west: [-1, 0] }
const MAX_GO_SECONDS = 60
const MAX_WAIT_SECONDS = 600
/** What was said last may still be on its way when the player quits: it gets this long, ms. */
const FLUSH_LIMIT = 2_000

const help = [
  'say TEXT           to everybody here',
  'tell NAME TEXT     to one of them',
  'go DIRECTION [N]   north, south, east or west, for N seconds (1)',
  'pick NAME|NUMBER   up from the ground',
  'drop NAME          something you carry',
  'give NAME to WHOM  something you carry, to somebody beside you',
  'emote NAME         wave, bow, …',
  'who                is in view, and what is around',
  'look               again',
  'inventory          what you carry',
  'wait N             seconds (for scripts)',
  'quit               leave',
]

interface Play {
  readonly session: ZoneSession
  readonly out: (line: string) => void
  readonly stop: AbortSignal
}

/** Plays a character from the terminal until `quit`, the end of the input or of the session. True when the player left by wish. */
export async function play(client: Client, zone: string, character: string, terminal: Terminal): Promise<boolean> {
  const out = (line: string): void => terminal.out(line)
  const session: ZoneSession = client.joinZone(
    zone,
    character,
    narrator(out, () => session.view),
  )
  const stop = new AbortController()
  void session.ended.then(() => stop.abort())
  whenInterrupted(terminal, () => void session.leave())
  try {
    await session.ready()
    for await (const line of terminal.lines(stop.signal)) {
      if (line.trim() === 'quit' || stop.signal.aborted) break
      await obey({ session, out, stop: stop.signal }, line.trim())
    }
  } catch (error) {
    // Told by the session's end already; who interrupts it while it joins has left, too.
    if (!stop.signal.aborted && !terminal.interrupted.aborted) throw error
  }
  await flushed(session)
  const end = await session.leave()
  return end.reason === 'left'
}

async function obey(playing: Play, line: string): Promise<void> {
  const [, verb = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
  const command = commands[verb]
  if (verb === '') return
  if (command === undefined) playing.out(`${verb}? (help lists what you can do)`)
  else {
    try {
      await command(playing, rest.trim())
    } catch (error) {
      playing.out(describeError(error))
    }
  }
}

type Command = (playing: Play, rest: string) => void | Promise<void>

const commands: Readonly<Record<string, Command | undefined>> = Object.assign(Object.create(null), {
  help: ({ out }) => help.forEach((line) => void out(line)),
  say: ({ session }, text) => session.say(text),
  look: ({ session }) => session.look(),
  inventory: ({ session, out }) => out(describeInventory(session.view.inventory)),
  go,
  tell,
  pick,
  give,
  emote,
  drop,
  who,
  wait: ({ stop }, seconds) => pause(Math.min(Number(seconds) || 1, MAX_WAIT_SECONDS), stop),
} satisfies Record<string, Command>)

async function go({ session, out, stop }: Play, rest: string): Promise<void> {
  const [name = '', seconds = '1'] = rest.split(/\s+/)
  const direction = Object.hasOwn(directions, name) ? directions[name] : undefined
  if (direction === undefined) {
    out(`go where? ${Object.keys(directions).join(', ')}`)
    return
  }
  const [x, y] = direction
  const speed = session.view.welcome?.maxSpeed ?? 0
  session.move(x * speed, y * speed)
  await pause(Math.min(Number(seconds) || 1, MAX_GO_SECONDS), stop)
  if (stop.aborted) return
  session.move(0, 0)
  await flushed(session)
  const { me } = session.view
  if (me !== undefined) out(`you stand at ${describePosition(me)}`)
}

async function tell({ session, out }: Play, rest: string): Promise<void> {
  const [, to = '', text = ''] = /^(\S+)\s+(.+)$/.exec(rest) ?? []
  if (to === '') out('tell whom what?')
  else out((await session.tell(to, text)) === 'delivered' ? `${to} has heard you` : `${to} has not heard you`)
}

function pick({ session, out }: Play, what: string): void {
  const inView = [...session.view.entities.values()]
  const named = inView.filter((entity) => String(entity.id) === what || entity.name === what)
  const item = named.find(({ kind }) => kind === 'item')
  if (item !== undefined) session.pickUp(item.id)
  else if (what === '') out('pick what?')
  else out(named.length > 0 ? `${what} is nothing to pick up` : `there is no ${what} in view`)
}

function drop({ session, out }: Play, what: string): void {
  const found = session.view.inventory.find((item) => item.id === what || item.kind === what)
  if (what === '') out('drop what?')
  else if (found === undefined) out(`you do not carry ${aThing(what)}`)
  else session.drop(found.id)
}

function give({ session, out }: Play, rest: string): void {
  const [, what = '', whom = ''] = /^(.+?)\s+to\s+(\S+)$/.exec(rest) ?? []
  const item = session.view.inventory.find(({ id, kind }) => id === what || kind === what)
  const named = [...session.view.entities.values()].filter(({ name }) => name === whom)
  const receiver = named.find(({ kind }) => kind === 'avatar')
  if (what === '') out('give what to whom?')
  else if (item === undefined) out(`you do not carry ${aThing(what)}`)
  else if (receiver === undefined) out(named.length > 0 ? `${aThing(whom)} takes nothing` : `${whom} is not in view`)
  else session.give(item.id, receiver.id)
}

function emote({ session, out }: Play, name: string): void {
  const names: readonly string[] = EMOTES
  const number = names.indexOf(name) + 1
  if (number === 0) out(`emote what? ${EMOTES.join(', ')}`)
  else session.emote(number)
}

function who({ session, out }: Play): void {
  const { me } = session.view
  if (me !== undefined) out(`you are ${me.name} at ${describePosition(me)}`)
  for (const entity of session.view.entities.values()) if (entity.id !== me?.id) out(describeEntity(entity))
}

async function flushed(session: ZoneSession): Promise<void> {
  const giveUpAt = Date.now() + FLUSH_LIMIT
  while (session.playing && session.unacknowledged > 0 && Date.now() < giveUpAt) await setTimeout(10)
}

async function pause(seconds: number, stop: AbortSignal): Promise<void> {
  try {
    await setTimeout(Math.max(0, seconds) * 1_000, undefined, { signal: stop })
  } catch (error) {
    if (!stop.aborted) throw error
  }
}
