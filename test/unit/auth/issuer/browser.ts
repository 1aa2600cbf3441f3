/** What a browser does with addresses and cookies, as far as a login at another site needs it. Each is one person's. */
export class Browser {
  /** By origin: a double knows its sites by their ports, which real cookies do not. */
  readonly #jars = new Map<string, Map<string, string>>()

  /** The cookies for an origin, as they are sent. */
  cookies(origin: string): string {
    return [...(this.#jars.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Plants one, as it came. */
  keep(origin: string, setCookie: string): void {
    const [pair = '', ...attributes] = setCookie.split(';')
    const [name = '', ...value] = pair.split('=')
    const jar = this.#jars.get(origin) ?? new Map<string, string>()
    this.#jars.set(origin, jar)
    if (attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute)) || value.join('') === '') jar.delete(name.trim())
    else jar.set(name.trim(), value.join('='))
  }

  /** One request, no redirection followed. */
  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url)
    const headers = new Headers(init.headers)
    const cookies = this.cookies(origin)
    if (cookies !== '') headers.set('cookie', cookies)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) this.keep(origin, set)
    return response
  }

  /** Goes where it is sent, until it is sent to somewhere that `isEnd` says is one, or is not sent any further; answers where it is. */
  async go(url: string, isEnd: (url: URL) => boolean): Promise<URL> {
    let at = new URL(url)
    for (let hop = 0; hop < 20; hop++) {
      if (isEnd(at)) return at
      const response = await this.ask(at.href)
      const location = response.headers.get('location')
      if (location === null)
        throw new Error(
          `${at.href} answered ${response.status}: ${(await response.text()).replaceAll(/<style[\s\S]*?<\/style>|<[^>]+>/g, '').slice(0, 500)}`,
        )
      at = new URL(location, at)
    }
    throw new Error(`sent on without end, last to ${at.href}`)
  }
}
