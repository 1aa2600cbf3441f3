/** The Lease in the operator's own namespace: who holds it may act on zones. */
export const OPERATOR_LEASE = 'bailiwick-operator'
/** The fleet, by name, of zones that name none. */
export const DEFAULT_FLEET = 'zone-servers'
