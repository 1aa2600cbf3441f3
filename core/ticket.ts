import type { LayerId } from './ids.ts'

/** A join ticket as clients carry it: the layer that it is for and its id in the index, so that a host can say when it was brought to the wrong one. */
export function ticketText(layer: LayerId, id: string): string {
  return `${layer}/${id}`
}

/** The parts of a ticket's text; `layer` is undefined when it names none, and the whole is taken for an id, which the index then knows or not. */
export function readTicket(text: string): { readonly layer: string | undefined; readonly id: string } {
  const slash = text.lastIndexOf('/')
  return slash < 0 ? { layer: undefined, id: text } : { layer: text.slice(0, slash), id: text.slice(slash + 1) }
}
