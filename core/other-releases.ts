/**
 * While an upgrade is under way, or after a step back, an older operator writes what a newer one wrote before. It must not take away what it does not know: additive
 * changes are all that there are between two releases (docs/upgrade.md).
 */

/** `next`, and beside it the fields of `before` that are not among the `known` ones. */
export function withUnknown<T extends object>(known: Readonly<Record<keyof T, true>>, before: object | undefined, next: T): T {
  const unknown = Object.entries(before ?? {}).filter(([field]) => !Object.hasOwn(known, field))
  return unknown.length === 0 ? next : { ...Object.fromEntries(unknown), ...next }
}
