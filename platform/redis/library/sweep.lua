-- What time alone changes. platform/memory/sweep.ts is the same in TypeScript. Everything is found by an index, nothing by looking at all.

local function forget(fleet, limit)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', fleet.key.forget, '-inf', fleet.now, 'LIMIT', 0, limit)) do
    local kind, name = member:match('^(%a+)|(.*)$')
    local host = kind == 'host' and host_of(fleet, name) or nil
    if kind == 'zone' then
      unbar_zone(fleet, { zone = name })
    elseif not host then
      redis.call('ZREM', fleet.key.forget, member)
    elseif host.layers == 0 and (host.reserved or 0) == 0 and (host.dead or fleet.now - host.lastSeen > fleet.rules.hostDeadAfter) then
      -- A host that left and is not down yet would register anew if it were not known.
      forget_host(fleet, name)
    end
  end
end

local function sweep(fleet, asked)
  local placed, budget = 0, asked.limit
  -- During grace only those that were found dead before, which have a score of 0.
  local silent_since = fleet.now >= fleet.grace_until and '(' .. (fleet.now - fleet.rules.hostDeadAfter) or 0
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', fleet.key.seen, '-inf', silent_since, 'LIMIT', 0, asked.limit)) do
    local host = host_of(fleet, name)
    if not host.dead then bury(fleet, host) end
    if budget > 0 then
      for _, layer in ipairs(held_by(fleet, name, budget)) do
        budget = budget - 1
        if resettle(fleet, layer, 'dead', silent(name)) then placed = placed + 1 end
      end
    end
  end
  if budget > 0 and fleet.now >= fleet.grace_until then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', fleet.key.deadlines, '-inf', '(' .. fleet.now, 'LIMIT', 0, budget)) do
      local layer = layer_of(fleet, id)
      if layer and claim_is_late(layer, fleet) then
        budget = budget - 1
        if retake(fleet, layer) then placed = placed + 1 end
      end
    end
  end
  placed = placed + place_wishes(fleet, budget)
  settle_hosts(fleet)
  forget(fleet, asked.limit)
  prune_tickets(fleet, asked.limit)
  return placed
end
