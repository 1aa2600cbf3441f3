import { oneAtATime } from './one-at-a-time.ts'

/** Runs what a click or a submit asked for, and shows what goes wrong. */
export type Attempt = (work: () => Promise<void>) => void

/** The element of that id, of that type. Throws when the page and the script disagree. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`)
  return found
}

/** Shows one of the sections and hides the others. */
export function showSection(id: 'login' | 'newcomer' | 'choose' | 'account' | 'play'): void {
  for (const section of document.querySelectorAll('main > section')) {
    if (section instanceof HTMLElement) section.hidden = section.id !== id
  }
}

export function button(label: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement('button')
  made.type = 'button'
  made.textContent = label
  made.addEventListener('click', onClick)
  return made
}

/** Attempts `work` at each submit of the form but those that come while it is under way. */
export function onSubmit(form: HTMLFormElement, attempt: Attempt, work: (event: SubmitEvent) => Promise<void>): void {
  const one = oneAtATime(work)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    attempt(() => one(event))
  })
}

export function listItem(...content: readonly (Node | string)[]): HTMLLIElement {
  const item = document.createElement('li')
  item.append(...content)
  return item
}

export function textOf(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name)
  return typeof value === 'string' ? value : ''
}

/** Passwords are asked of an account that has one. */
export function askPassword(form: HTMLFormElement, name: string, hasPassword: boolean): void {
  const input = form.elements.namedItem(name)
  if (!(input instanceof HTMLInputElement)) throw new Error(`the form has no field ${name}`)
  input.required = hasPassword
  const label = input.closest('label')
  if (label !== null) label.hidden = !hasPassword
}
