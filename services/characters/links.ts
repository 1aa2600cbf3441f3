import type { Link } from '../../platform/http/index.ts'

/** How an answer that holds a character leads to the questions about it, for the OpenAPI document. `id`: where its id is, as a runtime expression. */
export function characterLinks(id: string): Readonly<Record<string, Link>> {
  const parameters = { id }
  return {
    read: { summary: 'The character', to: 'get /v1/characters/:id', parameters },
    delete: { summary: 'Deletes it', to: 'delete /v1/characters/:id', parameters },
  }
}
