import type { Link } from '../../platform/http/index.ts'

/** How the answers of the characters service lead to its other questions, for its OpenAPI document. */
type Links = Readonly<Record<string, Link>>

const thisOne = { id: '$response.body#/character/id' } as const
/** Changes nothing that another has changed since. */
const thisVersion = { ...thisOne, 'if-match': '$response.header.etag' } as const

const character: Link = { summary: 'It as it is then', to: 'get /v1/characters/:id', parameters: thisOne }
const rename: Link = { summary: 'Another name for it', to: 'patch /v1/characters/:id', parameters: thisVersion }
const remove: Link = { summary: 'Has it deleted', to: 'delete /v1/characters/:id', parameters: thisVersion }
const restore: Link = { summary: 'Takes its deletion back', to: 'post /v1/characters/:id/restore', parameters: thisVersion }

export const listLinks: Links = {
  next: { summary: 'The next page', to: 'get /v1/characters', parameters: { cursor: '$response.body#/next' } },
  character: { summary: 'One of them', to: 'get /v1/characters/:id', parameters: { id: '$response.body#/characters/0/id' } },
}

export const characterLinks: Links = { character, rename, delete: remove, restore }

export const deletedLinks: Links = { character, restore }
