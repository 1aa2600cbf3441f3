-- Join tickets. platform/memory/tickets.ts is the same in TypeScript. A ticket is for one assignment of a layer to a host, its generation, from the moment of the placement on and in whatever
-- epochs that host serves it: with the generation it ends.

-- Tickets are forgotten in passing, so many a call.
local PRUNED_PER_CALL = 32

-- Forgets tickets that expired long enough ago, at most `limit`.
local function prune_tickets(fleet, limit)
  local old = redis.call('ZRANGEBYSCORE', fleet.key.ticketorder, '-inf', fleet.now - fleet.rules.ticketRemembered, 'LIMIT', 0, limit)
  for _, id in ipairs(old) do
    local text = redis.call('HGET', fleet.key.tickets, id)
    if text then redis.call('ZREM', fleet.key.ticketsof, cjson.decode(text).layer .. '|' .. id) end
    redis.call('HDEL', fleet.key.tickets, id)
    redis.call('ZREM', fleet.key.ticketorder, id)
  end
end

local function ticket_of(fleet, id)
  local text = redis.call('HGET', fleet.key.tickets, id)
  return text and cjson.decode(text) or nil
end

-- False when the layer has as many tickets as are remembered, or the id was used before.
local function add_ticket(fleet, layer, asked)
  prune_tickets(fleet, PRUNED_PER_CALL)
  local known = ticket_of(fleet, asked.id)
  if known and (known.used or known.layer ~= layer.layer or known.character ~= asked.character) then return false end
  local own = redis.call('ZLEXCOUNT', fleet.key.ticketsof, '[' .. layer.layer .. '|', '(' .. layer.layer .. '}')
  if not known and own >= fleet.rules.ticketsPerLayer then return false end
  local expires = fleet.now + asked.ttlMs
  redis.call('HSET', fleet.key.tickets, asked.id, cjson.encode({
    layer = layer.layer, generation = layer.generation, account = asked.account, character = asked.character, expires = expires, used = false
  }))
  redis.call('ZADD', fleet.key.ticketorder, expires, asked.id)
  redis.call('ZADD', fleet.key.ticketsof, 0, layer.layer .. '|' .. asked.id)
  return true
end

local function is_live(fleet, layer, ticket)
  return not ticket.used and ticket.generation == layer.generation and ticket.expires > fleet.now
end

local function has_live_ticket(fleet, layer)
  local prefix = layer.layer .. '|'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', fleet.key.ticketsof, '[' .. prefix, '(' .. layer.layer .. '}')) do
    local ticket = ticket_of(fleet, member:sub(#prefix + 1))
    if ticket and is_live(fleet, layer, ticket) then return true end
  end
  return false
end

-- A host of an earlier release says the epoch in which it serves the layer.
local function is_holder(layer, asked)
  if asked.generation then return layer.host == asked.host and layer.generation == asked.generation end
  return layer.epoch == asked.epoch and (layer.state == 'Serving' or layer.state == 'Closing')
end

local function redeem_ticket(fleet, asked)
  local layer = layer_of(fleet, asked.layer)
  if not layer or not is_holder(layer, asked) then return { ok = false, code = 'LayerLost' } end
  local ticket = ticket_of(fleet, asked.id)
  if not ticket or ticket.layer ~= asked.layer then return { ok = false, code = 'TicketUnknown' } end
  if ticket.used then return { ok = false, code = 'TicketUsed' } end
  if layer.state == 'Closing' or not is_live(fleet, layer, ticket) then return { ok = false, code = 'TicketExpired' } end
  ticket.used = true
  redis.call('HSET', fleet.key.tickets, asked.id, cjson.encode(ticket))
  return { ok = true, account = ticket.account, character = ticket.character }
end
