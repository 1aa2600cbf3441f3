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

-- The first of `room` that was heard of lately and is not `avoid`; else `avoid` itself if it is there. Silent ones leave the set until they are heard.
local function choose_host(fleet, avoid)
  settle_hosts(fleet)
  local from, fallback = 0, nil
  while true do
    local names = redis.call('ZRANGE', fleet.key.room, from, from + 15)
    if #names == 0 then return fallback end
    for _, name in ipairs(names) do
      local host = host_of(fleet, name)
      if not host or not is_fresh(host, fleet) then
        redis.call('ZREM', fleet.key.room, name)
      elseif name ~= avoid then
        return host
      else
        fallback = host
        from = from + 1
      end
    end
  end
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
  if host then
    host.layers = host.layers - 1
    host.players = host.players - layer.players
    if host.layers == 0 then host.emptySince = fleet.now end
    put_host(fleet, host)
  end
  layer.host = nil
  layer.players = 0
  layer.dataSafe = true
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

-- The layer waits for a host, and may be placed from `from` on. A wish that is open already keeps its time.
local function wish(fleet, layer, from)
  if layer.state == 'Wished' and redis.call('ZSCORE', fleet.key.wishes, layer.layer) then return end
  redis.call('ZADD', fleet.key.wishes, from, layer.layer)
  stop_moving(fleet, layer)
  layer.close = nil
  layer.wished = false
  enter(fleet, layer, 'Wished')
  layer_changed(fleet, layer)
end

-- Records an assignment with the next generation on the host that is chosen, or a wish. True when assigned.
local function place(fleet, layer)
  local host = choose_host(fleet, layer.avoid)
  if not host then
    wish(fleet, layer, fleet.now)
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
  occupy(fleet, layer, host)
  layer_changed(fleet, layer)
  return true
end

-- The layer lost its host: it is placed again, waits, or sleeps. True when assigned. Only a host taken for dead may come back to what it had.
local function resettle(fleet, layer, loss, failure)
  local wanted = wants_place(layer, loss, is_barred(fleet, layer.layer))
  release(fleet, layer)
  if loss ~= 'dead' then layer.ended = true end
  if failure then layer.failure = failure end
  put_layer(fleet, layer)
  if not wanted then
    sleep(fleet, layer)
    return false
  end
  return place(fleet, layer)
end

-- Places what waits, the oldest wish first, at most `limit`. Answers how many were placed.
local function place_wishes(fleet, limit)
  if limit <= 0 then return 0 end
  local placed = 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', fleet.key.wishes, '-inf', fleet.now, 'LIMIT', 0, limit)) do
    if not place(fleet, layer_record(fleet, id)) then break end
    placed = placed + 1
  end
  return placed
end
