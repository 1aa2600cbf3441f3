const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const MAX_NAME = 63
const MAX_PREFIX = 253

/** Says why a key is no qualified name of Kubernetes; undefined when it is one. */
export function keyProblem(key: string): string | undefined {
  const parts = key.split('/')
  if (parts.length > 2) return 'a qualified name has at most one slash'
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? parts[0] : undefined
  if (prefix !== undefined && (prefix.length > MAX_PREFIX || !prefix.split('.').every((label) => DNS_LABEL.test(label)))) {
    return 'the prefix must be a DNS subdomain'
  }
  if (name.length === 0 || name.length > MAX_NAME) return `the name must have 1 to ${MAX_NAME} characters`
  return NAME.test(name) ? undefined : 'the name must consist of letters, digits, - _ or . and start and end with a letter or digit'
}

/** Says why a value is no label value of Kubernetes; undefined when it is one. */
export function labelValueProblem(value: string): string | undefined {
  if (value.length > MAX_NAME) return `the value must have at most ${MAX_NAME} characters`
  return value === '' || NAME.test(value)
    ? undefined
    : 'the value must consist of letters, digits, - _ or . and start and end with a letter or digit'
}
