import { catalogue } from '../core/errors.ts'

/** The text of docs/errors.md: the catalogue of errors as a table, in its order. */
export function errorsDocument(): string {
  const rows = Object.entries(catalogue).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`)
  return `<!-- Made from core/errors.ts by \`npm run generate\`. Change that file, not this one. -->

# Errors

Every error that Bailiwick gives has one of these codes. A code is stable: programs may rely on it, not on the text.

| where | how it looks |
|---|---|
| HTTP services | the status below, body \`application/problem+json\` (RFC 9457) with \`code\`, \`title\`, and what was asked, what was found and what to do in \`detail\`; \`Retry-After\` where another try makes sense; with \`NoCapacity\` the place in the queue for a host in \`queue\` (\`place\`, 1 is next, absent when the queue is full; \`length\`) |
| game connection | an error frame with the same code and text |
| logs | the field \`code\` |

| code | HTTP status | meaning |
|---|---|---|
${rows.join('\n')}
`
}
