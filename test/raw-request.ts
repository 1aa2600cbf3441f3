import { request } from 'node:http'

/** The status of the answer to a request whose path goes out as it is written: `fetch` would tidy `..` and `%2e` away before anybody could answer it. `base`: of the server; `body`: default none. */
export function askRaw(base: string, method: string, path: string, token: string, body?: string): Promise<number> {
  const { hostname: host, port } = new URL(base)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' }
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.once('error', reject)
    asked.end(body)
  })
}
