-- The steps that every change of a layer is made of. platform/memory/place.ts is the same in TypeScript.

local function enter(fleet, layer, state)
  if layer.state ~= state then layer.since = fleet.now end
  layer.state = state
  put_layer(fleet, layer)
end

local function layer_changed(fleet, layer)
  tell(fleet, 'layer', layer.layer, layer.host)
end

local function host_changed(fleet, host)
  tell(fleet, 'host', host.name, host.name)
end

-- At most `limit` of the layers that have a slot on the host, by name; all without one.
local function held_by(fleet, host, limit)
  local members
  if limit then
    members = redis.call('ZRANGEBYLEX', fleet.key.held, '[' .. host .. '|', '(' .. host .. '}', 'LIMIT', 0, limit)
  else
    members = redis.call('ZRANGEBYLEX', fleet.key.held, '[' .. host .. '|', '(' .. host .. '}')
  end
  local layers = {}
  for i, member in ipairs(members) do layers[i] = layer_record(fleet, member:sub(#host + 2)) end
  return layers
end

-- So many hosts are looked at for one on another node.
local NODES_LOOKED_AT = 64

local NOWHERE = { nodes = {} }

-- The first of `room` that was heard of lately and is neither the host nor on a node to be avoided; else the first on such a node; else the host itself. None that is new, if so asked.
-- Silent ones leave the set until they are heard.
local function choose_host(fleet, avoid)
  settle_hosts(fleet)
  local from, near, last = 0, nil, nil
  while from < NODES_LOOKED_AT do
    local names = redis.call('ZRANGE', fleet.key.room, from, math.min(from + 15, NODES_LOOKED_AT - 1))
    if #names == 0 then break end
    for _, name in ipairs(names) do
      local host = host_of(fleet, name)
      if not host or not is_fresh(host, fleet) then
        redis.call('ZREM', fleet.key.room, name)
      else
        if avoid.new and not is_warm(host, fleet) then
          -- Another time.
        elseif name == avoid.host then
          last = host
        elseif avoid.nodes[host.node] then
          near = near or host
        else
          return host
        end
        from = from + 1
      end
    end
  end
  return near or last
end

-- The host for a layer: rather not the one that gave it up, nor one on the node of another layer of its zone.
local function host_for(fleet, layer, siblings, avoid_new)
  local nodes = {}
  for _, sibling in ipairs(siblings) do
    local host = sibling.layer ~= layer.layer and host_of(fleet, sibling.host) or nil
    if host then nodes[host.node] = true end
  end
  return choose_host(fleet, { host = layer.avoid, nodes = nodes, new = avoid_new })
end

-- The host is needed: it is not retiring any more.
local function keep(fleet, host)
  if host.state == 'Retiring' then
    host.state = 'Ready'
    host.counted = false
    host_changed(fleet, host)
  end
  put_host(fleet, host)
end

-- The layer's move is over, or it moves no longer; the host may move the next one.
local function stop_moving(fleet, layer)
  if not layer.movedFrom then return end
  tell(fleet, 'host', layer.movedFrom, layer.movedFrom)
  layer.movedFrom = nil
  redis.call('ZREM', fleet.key.moving, layer.layer)
  put_layer(fleet, layer)
end

-- Frees the slot that is kept for the layer, if any.
local function unreserve(fleet, layer)
  if not layer.target then return end
  local host = host_of(fleet, layer.target)
  if host then
    host.reserved = host.reserved - 1
    put_host(fleet, host)
  end
  layer.target = nil
  put_layer(fleet, layer)
end

-- Gives the layer a slot on the host.
local function occupy(fleet, layer, host)
  layer.host = host.name
  redis.call('ZADD', fleet.key.held, 0, host.name .. '|' .. layer.layer)
  redis.call('ZREM', fleet.key.wishes, layer.layer)
  host.layers = host.layers + 1
  count_flow(demand_of(fleet), fleet, 1)
  put_demand(fleet)
  host.players = host.players + layer.players
  host.emptySince = nil
  keep(fleet, host)
  put_layer(fleet, layer)
end

-- Frees the slot that the layer has, if any, and tells its host.
local function release(fleet, layer)
  unreserve(fleet, layer)
  if not layer.host then return end
  layer_changed(fleet, layer)
  redis.call('ZREM', fleet.key.held, layer.host .. '|' .. layer.layer)
  local host = host_of(fleet, layer.host)
  count_flow(demand_of(fleet), fleet, -1)
  put_demand(fleet)
  if host then
    host.layers = host.layers - 1
    host.players = host.players - layer.players
    if host.layers == 0 then host.emptySince = fleet.now end
    put_host(fleet, host)
  end
  layer.host = nil
  layer.players = 0
  layer.dataSafe = true
  -- At once: a sweep looks for late ones after those of dead hosts were placed again.
  if layer.deadline then redis.call('ZREM', fleet.key.deadlines, layer.layer) end
  layer.deadline = nil
  put_layer(fleet, layer)
end

-- Nobody hosts the layer and nobody waits for it.
local function sleep(fleet, layer)
  redis.call('ZREM', fleet.key.wishes, layer.layer)
  stop_moving(fleet, layer)
  layer.close = nil
  layer.wished = false
  layer.ended = true
  enter(fleet, layer, 'Asleep')
  layer_changed(fleet, layer)
end

-- The layer waits for a host, and may be placed from `from` on. A wish that is open already keeps its place. Each further wish of a zone stands a little
-- later in the queue than it was made, so that a zone with many layers does not hold up the others.
local function wish(fleet, layer, from, siblings)
  if layer.state == 'Wished' and redis.call('ZSCORE', fleet.key.wishes, layer.layer) then return end
  local before = 0
  for _, sibling in ipairs(siblings) do
    if sibling.state == 'Wished' and sibling.layer ~= layer.layer then before = before + 1 end
  end
  redis.call('ZADD', fleet.key.wishes, from + before * fleet.rules.wishSpacing, layer.layer)
  layer.from = from
  stop_moving(fleet, layer)
  layer.close = nil
  layer.wished = false
  enter(fleet, layer, 'Wished')
  layer_changed(fleet, layer)
end

-- Its hosts died while they claimed it, more than once: it, or one that was claimed with it, may have killed them.
local function claims_by_turns(layer)
  return (layer.claimDeaths or 0) >= 2
end

-- Within this a layer is served, or its host has died of it.
local function turn_length(fleet)
  return fleet.rules.claimDeadline + fleet.rules.hostDeadAfter
end

-- Records an assignment with the next generation on the host that is chosen, or a wish. True when assigned. One more wish than may wait is not recorded,
-- unless the layer had a host until now.
local function place(fleet, layer)
  local siblings = layers_of(fleet, zone_of(layer.layer))
  local host = host_for(fleet, layer, siblings)
  if not host then
    if layer.state ~= 'Asleep' or redis.call('ZCARD', fleet.key.wishes) < fleet.rules.wishesMax then wish(fleet, layer, fleet.now, siblings) end
    return false
  end
  layer.generation = layer.generation + 1
  layer.ended = false
  layer.close = nil
  layer.wished = false
  layer.assignedAt = fleet.now
  layer.deadline = fleet.now + fleet.rules.claimDeadline
  layer.state = 'Assigned'
  layer.since = fleet.now
  if claims_by_turns(layer) then redis.call('HSET', fleet.key.clock, 'turnUntil', fleet.now + turn_length(fleet)) end
  occupy(fleet, layer, host)
  layer_changed(fleet, layer)
  return true
end

-- Nobody hosts the layer, and it is not placed until somebody asks for another try.
local function quarantine(fleet, layer, failure)
  redis.call('ZREM', fleet.key.wishes, layer.layer)
  stop_moving(fleet, layer)
  layer.close = nil
  layer.wished = false
  layer.failure = failure
  enter(fleet, layer, 'Quarantined')
  layer_changed(fleet, layer)
end

-- When a layer is tried again whose hosts died while they claimed it. One of those that died together may have killed them all, so they are claimed by
-- turns: who is innocent is served before the next host dies, and does not count as one that kills. Nobody waits for more turns than layers wait.
local function turn_of(fleet, deaths)
  local rules = fleet.rules
  local next_turn = tonumber(redis.call('HGET', fleet.key.clock, 'turn') or 0)
  local latest = fleet.now + rules.failedLayerWaitMax + (redis.call('ZCARD', fleet.key.wishes) + 1) * turn_length(fleet)
  local from = math.min(math.max(fleet.now + wait_after_failures(deaths, rules), next_turn), latest)
  redis.call('HSET', fleet.key.clock, 'turn', from + turn_length(fleet))
  return from
end

-- Whether a layer that waits may be placed now. While one that is claimed by turns has its turn the others of that kind go on waiting: when no host had
-- room for a while the turns of all of them have come.
local function is_due(fleet, layer)
  if (layer.from or 0) > fleet.now then return false end
  if not claims_by_turns(layer) then return true end
  local taken = tonumber(redis.call('HGET', fleet.key.clock, 'turnUntil') or 0)
  if taken <= fleet.now then return true end
  layer.from = taken
  redis.call('ZADD', fleet.key.wishes, taken, layer.layer)
  put_layer(fleet, layer)
  return false
end

-- The layer lost its host: it is placed again, waits, or sleeps. True when assigned. Only a host taken for dead may come back to what it had.
local function resettle(fleet, layer, loss, failure)
  local wanted = wants_place(layer, loss, is_barred(fleet, layer.layer))
  local was_claiming = layer.state == 'Claiming'
  release(fleet, layer)
  if loss ~= 'dead' then layer.ended = true end
  if failure then layer.failure = failure end
  put_layer(fleet, layer)
  if loss == 'dead' and was_claiming then layer.claimDeaths = (layer.claimDeaths or 0) + 1 end
  if not wanted then
    sleep(fleet, layer)
    return false
  end
  if not was_claiming or not claims_by_turns(layer) then return place(fleet, layer) end
  if layer.claimDeaths < fleet.rules.claimDeathsMax then
    wish(fleet, layer, turn_of(fleet, layer.claimDeaths), layers_of(fleet, zone_of(layer.layer)))
  else
    local deaths = string.format('%d', layer.claimDeaths)
    quarantine(fleet, layer, deaths .. ' hosts in a row died while they brought it back; the last: ' .. (failure or loss))
  end
  return false
end

-- Places what waits, the oldest wish first, at most `limit`. Answers how many were placed. One that failed may have to wait, others go before it.
local function place_wishes(fleet, limit)
  if limit <= 0 then return 0 end
  local placed = 0
  for _, id in ipairs(redis.call('ZRANGE', fleet.key.wishes, 0, limit - 1)) do
    local layer = layer_record(fleet, id)
    if is_due(fleet, layer) then
      if not place(fleet, layer) then break end
      placed = placed + 1
    end
  end
  return placed
end
