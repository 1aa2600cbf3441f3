import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join, normalize } from 'node:path'

const root = join(import.meta.dirname, '..')

/** What the browser may load, by first path segment: the page, the client library and the contracts it stands on, and the one library they import. */
const folders: Readonly<Record<string, string>> = {
  page: join(root, 'dev', 'page'),
  client: join(root, 'client'),
  core: join(root, 'core'),
  protobuf: join(root, 'node_modules', '@bufbuild', 'protobuf', 'dist', 'esm'),
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The page's own rules: nothing from elsewhere; sockets to any port of this host, since a host may have one of its own. */
const security = {
  'content-security-policy':
    "default-src 'self'; script-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/**
 * Serves the browser page. TypeScript is served with its types removed, so that the page runs the same source as everybody else.
 * Answers false when the path is none of its own.
 */
export async function serveStatic(request: IncomingMessage, path: string, response: ServerResponse): Promise<boolean> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  // The path as it was sent: a URL parser throws at some that Node's lets through.
  const file = fileOf(path)
  if (file === undefined) return false
  const type = types[extname(file)]
  let body: string
  try {
    body = await readFile(file, 'utf8')
  } catch {
    return false
  }
  if (type === undefined) return false
  response.writeHead(200, { ...security, 'content-type': type })
  response.end(request.method === 'HEAD' ? undefined : extname(file) === '.ts' ? stripTypeScriptTypes(body) : body)
  return true
}

/** The file behind a path, or undefined when the path is not of the page or leaves its folder. */
function fileOf(path: string): string | undefined {
  if (path === '/') return join(root, 'dev', 'page', 'index.html')
  const [, first = '', ...rest] = path.split('/')
  const folder = Object.hasOwn(folders, first) ? folders[first] : undefined
  if (folder === undefined || rest.length === 0) return undefined
  let decoded: string
  try {
    decoded = decodeURIComponent(rest.join('/'))
  } catch {
    return undefined
  }
  const file = normalize(join(folder, decoded))
  return file.startsWith(`${folder}/`) && !file.includes('\0') ? file : undefined
}
