export type { BegunLogin, ConfirmedLogin, Issuer } from './issuer.ts'
export { createIssuer } from './issuer.ts'
export type { IssuerSettings } from './settings.ts'
export { isLoopback, isSafe } from './settings.ts'
