import type { Link } from '../../platform/http/index.ts'

/** How the answers of auth lead to its other questions, for its OpenAPI document. */
type Links = Readonly<Record<string, Link>>

const thisAccount = { id: '$response.body#/account/id' } as const

export const registerLinks: Links = {
  account: { summary: 'The new account, for those who run the world', to: 'get /v1/admin/accounts/:id', parameters: thisAccount },
  login: {
    summary: 'Logs in with the new account',
    to: 'post /v1/sessions',
    body: { name: '$request.body#/name', password: '$request.body#/password' },
  },
}

export const sessionLinks: Links = {
  refresh: { summary: 'The next tokens', to: 'post /v1/sessions/refresh', body: { refreshToken: '$response.body#/refreshToken' } },
}

export const sessionsLinks: Links = {
  end: { summary: 'Ends one of them', to: 'delete /v1/sessions/:id', parameters: { id: '$response.body#/sessions/0/id' } },
}

export const issuerLinks: Links = {
  login: { summary: 'Logs in there', to: 'get /v1/oidc/:issuer/login', parameters: { issuer: '$response.body#/issuers/0/id' } },
}

export const identitiesLinks: Links = {
  remove: {
    summary: 'One of them shall open the account no more',
    to: 'post /v1/accounts/current/identities/:id/removal',
    parameters: { id: '$response.body#/identities/0/id' },
  },
}

export const adminAccountLinks: Links = {
  account: { summary: 'It as it is then', to: 'get /v1/admin/accounts/:id', parameters: thisAccount },
  ban: { summary: 'Bans it', to: 'put /v1/admin/accounts/:id/ban', parameters: thisAccount },
  lift: { summary: 'Lifts its ban', to: 'delete /v1/admin/accounts/:id/ban', parameters: thisAccount },
  grant: { summary: 'Makes it a player, moderator or admin', to: 'put /v1/admin/accounts/:id/role', parameters: thisAccount },
}

export const staffLinks: Links = {
  account: {
    summary: 'The account of one of them',
    to: 'get /v1/admin/accounts/:id',
    parameters: { id: '$response.body#/members/0/account' },
  },
}

export const auditLinks: Links = {
  next: { summary: 'The next page', to: 'get /v1/admin/audit', parameters: { before: '$response.body#/next' } },
}
