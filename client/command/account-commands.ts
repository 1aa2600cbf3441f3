import { BailiwickError } from '../../core/errors.ts'
import type { Character, Client, ZoneDetail, ZoneSummary } from '../index.ts'
import type { Environment } from './options.ts'
import type { Terminal } from './terminal.ts'

/** The password of the command line, of BAILIWICK_PASSWORD, or the first line of the input. */
export async function readPassword(given: string | undefined, env: Environment, terminal: Terminal): Promise<string> {
  const known = given ?? env['BAILIWICK_PASSWORD']
  if (known !== undefined) return known
  const [line = ''] = await readLines(terminal, ['password:'])
  return line
}

/** One line of the input for each prompt. Throws InvalidInput when there are not so many. */
export async function readLines(terminal: Terminal, prompts: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = []
  terminal.err(prompts[0] ?? '')
  for await (const line of terminal.lines(new AbortController().signal)) {
    lines.push(line)
    const next = prompts[lines.length]
    if (next === undefined) return lines
    terminal.err(next)
  }
  throw new BailiwickError('InvalidInput', {
    found: 'no password',
    todo: 'give it as an argument, in BAILIWICK_PASSWORD or on the standard input',
  })
}

export async function printSessions(client: Client, terminal: Terminal): Promise<void> {
  const rows = (await client.sessions.list()).map((session) => [
    session.current ? 'this one' : '',
    session.openedAt,
    session.usedAt,
    session.agent,
    session.id,
  ])
  printTable(terminal, ['', 'OPENED', 'LAST USED', 'CLIENT', 'ID'], rows)
}

/** The one of the account's characters with this id or name. Throws CharacterUnknown. */
export async function findCharacter(client: Client, idOrName: string): Promise<Character> {
  const all = await client.characters.list()
  const found =
    all.find((character) => character.id === idOrName) ?? all.find((character) => character.name.toLowerCase() === idOrName.toLowerCase())
  if (found !== undefined) return found
  const names = all.map((character) => character.name).join(', ')
  throw new BailiwickError('CharacterUnknown', {
    asked: idOrName,
    found: names === '' ? 'no characters' : names,
    todo: 'make one with: create NAME',
  })
}

export async function printCharacters(client: Client, terminal: Terminal): Promise<void> {
  const rows = (await client.characters.list()).map((character) => [
    character.name,
    whereabouts(character),
    character.zone ?? '-',
    character.position === null ? '-' : `(${character.position.x.toFixed(1)}, ${character.position.y.toFixed(1)})`,
    character.inventory.map((item) => item.kind).join(', ') || '-',
    character.id,
  ])
  printTable(terminal, ['NAME', 'NOW', 'LAST ZONE', 'POSITION', 'CARRIES', 'ID'], rows)
}

function whereabouts({ location, deletesAt }: Character): string {
  if (deletesAt != null) return `goes at ${deletesAt.slice(0, 16)}Z`
  return location.state === 'InZone' ? `in ${location.layer ?? location.zone ?? '?'}` : 'offline'
}

export async function printZones(client: Client, terminal: Terminal): Promise<void> {
  const row = (zone: ZoneSummary): string[] => [`${zone.namespace}/${zone.name}`, zone.state, String(zone.players), String(zone.layers)]
  printTable(terminal, ['ZONE', 'STATE', 'PLAYERS', 'LAYERS'], (await client.zones.list()).map(row))
}

export async function printZone(client: Client, zone: string, terminal: Terminal): Promise<void> {
  const detail: ZoneDetail = await client.zones.resolve(zone)
  terminal.out(`${detail.namespace}/${detail.name}: ${detail.state}, ${detail.players} players`)
  if (detail.neighbours.length > 0) terminal.out(`beside ${detail.neighbours.join(', ')}`)
  const rows = detail.layers.map((layer) => [
    String(layer.index),
    layer.state,
    String(layer.epoch),
    String(layer.players),
    layer.endpoints.join(' ') || '-',
  ])
  if (rows.length > 0) printTable(terminal, ['LAYER', 'STATE', 'EPOCH', 'PLAYERS', 'ENDPOINTS'], rows)
}

function printTable(terminal: Terminal, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  for (const row of [head, ...rows])
    terminal.out(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}
