import type { Link } from '../../platform/http/index.ts'

/** How the answers of the allocator lead to its other questions, for its OpenAPI document. */
type Links = Readonly<Record<string, Link>>

const firstZone = { namespace: '$response.body#/zones/0/namespace', name: '$response.body#/zones/0/name' } as const
const thisZone = { namespace: '$response.body#/namespace', name: '$response.body#/name' } as const

export const listLinks: Links = {
  next: { summary: 'The next page', to: 'get /v1/zones', parameters: { cursor: '$response.body#/next' } },
  zone: { summary: 'One of the zones', to: 'get /v1/zones/:namespace/:name', parameters: firstZone },
  join: { summary: 'A place in one of them', to: 'post /v1/zones/:namespace/:name/join', parameters: firstZone },
}

export const zoneLinks: Links = {
  change: {
    summary: 'The zone once it is another one; with `wait`',
    to: 'get /v1/zones/:namespace/:name',
    parameters: { ...thisZone, since: '$response.header.etag' },
  },
  join: { summary: 'A place in it', to: 'post /v1/zones/:namespace/:name/join', parameters: thisZone },
}

export const joinLinks: Links = {
  player: { summary: 'Where the character is', to: 'get /v1/players/:character', parameters: { character: '$request.body#/character' } },
}
