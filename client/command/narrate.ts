import { EMOTES } from '../../core/protocol/emotes.ts'
import { describePosition, type SessionEnd, type SessionStatus, type ViewedEntity, type ZoneHandlers, type ZoneView } from '../index.ts'

/** Handlers that tell, line by line, what happens to a character. */
export function narrator(out: (line: string) => void, view: () => ZoneView): ZoneHandlers {
  const isMe = (entity: ViewedEntity): boolean => entity.id === view().welcome?.entity
  return {
    welcome: (welcome) => out(`you are ${welcome.name} in ${welcome.layer}, epoch ${welcome.epoch}`),
    appeared: (entities) => {
      for (const entity of entities) out(isMe(entity) ? `you stand at ${describePosition(entity)}` : describeEntity(entity))
    },
    vanished: (entities) => {
      for (const entity of entities) out(entity.kind === 'avatar' ? `${entity.name} is gone` : `the ${entity.name} [${entity.id}] is gone`)
    },
    said: (from, text) => out(`${from}: ${text}`),
    told: (from, text) => out(`${from} tells you: ${text}`),
    emoted: (entity, emote) => out(describeEmote(entity, emote)),
    stats: ({ health, energy }) => out(`health ${health}, energy ${energy}`),
    held: (held) => out(held ? 'the place stands still for a moment; nothing is lost' : 'the place goes on'),
    inventory: (items) => out(describeInventory(items)),
    refused: (error) => out(`refused: ${error.message}`),
    redirect: (reason) => out(`the place moves (${reason})`),
    goodbye: (reason) => out(`goodbye (${reason})`),
    status: (status) => {
      const line = describeStatus(status)
      if (line !== undefined) out(line)
    },
  }
}

/** What it does where it is: an item lies, a prop stands, and what lives is simply there. A kind of a later release is there, too. */
const isThere: Readonly<Record<string, string | undefined>> = { item: 'lies', prop: 'stands' }

export function describeEntity({ kind, name, id, ...place }: ViewedEntity): string {
  const where = describePosition(place)
  return kind === 'avatar' ? `${name} is at ${where}` : `${aThing(name)} [${id}] ${isThere[kind] ?? 'is'} at ${where}`
}

/** `a lantern`, `an apple`. */
export function aThing(kind: string): string {
  return `${/^[aeiou]/i.test(kind) ? 'an' : 'a'} ${kind}`
}

/** Somebody who has gone out of view meanwhile is somebody. */
export function describeEmote(entity: ViewedEntity | undefined, emote: number): string {
  return `${entity?.name ?? 'somebody'}: ${EMOTES[emote - 1] ?? 'a gesture'}`
}

export function describeInventory(items: readonly { readonly kind: string }[]): string {
  return items.length === 0 ? 'you carry nothing' : `you carry: ${items.map((item) => item.kind).join(', ')}`
}

function describeEnd(end: SessionEnd): string {
  if (end.reason === 'refused') return `ended: ${end.error.message}`
  return end.reason === 'goodbye' ? `ended by the host: ${end.said}` : 'you have left'
}

/** Joining and playing go without saying; the welcome tells it. */
function describeStatus(status: SessionStatus): string | undefined {
  if (status.state === 'waiting') return `${status.because}; trying again in ${(status.forMs / 1_000).toFixed(1)} s`
  return status.state === 'ended' ? describeEnd(status.end) : undefined
}
