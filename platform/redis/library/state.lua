-- One fleet's slot: its keys, its clock, and the records that this call has read. A record is read once and written once, so that no part of a
-- call works on an old copy.

-- In the order in which the program passes them.
local FLEET_KEYS = {
  'clock', 'hosts', 'seen', 'room', 'forget', 'layers', 'names', 'held', 'deadlines', 'wishes', 'bars',
  'tickets', 'ticketorder', 'ticketsof', 'changes', 'moving', 'draining', 'players'
}

-- What a program of an earlier release does not send yet: the defaults of core/index-rules.ts.
local LATER_RULES = {
  crashesMax = 3, crashForgottenAfter = 600000, claimDeathsMax = 5,
  drainMoveExpected = 2000, drainRoomReserve = 30000, drainMoves = 8, hostWarmAfter = 3000, outdatedSettle = 5000, outdatedShare = 10,
  flowWindow = 15000, strayAfter = 5000, podStartGuess = 5000, podStartMin = 500, podStartMax = 60000,
  suspectDeadAfter = 1000, wishSpacing = 1000, wishesMax = 10000, hostPlayersFull = 2000, hostCpuFull = 700, hostLateFull = 250,
  newbornCounted = 10000, newbornMax = 1000, countedWithin = 2000
}

-- The replication id is read again after so many milliseconds: it takes longer to restart or to fail over.
local REPLID_EVERY = 20

local function read_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function open_fleet(keys, args)
  local fleet = { key = {}, hosts = {}, layers = {}, dirty_hosts = {}, dirty_layers = {}, rules = cjson.decode(args[1]) }
  -- A program of an earlier release names fewer keys; the others lie in the same slot.
  local prefix = keys[1]:sub(1, -#FLEET_KEYS[1] - 1)
  for i, name in ipairs(FLEET_KEYS) do fleet.key[name] = keys[i] or (prefix .. name) end
  for rule, value in pairs(LATER_RULES) do fleet.rules[rule] = fleet.rules[rule] or value end
  return fleet
end

-- Index time for a call that changes nothing.
local function look_at_clock(fleet)
  local clock = redis.call('HMGET', fleet.key.clock, 'now', 'offset', 'grace')
  fleet.now = math.max(read_time() + tonumber(clock[2] or 0), tonumber(clock[1] or 0))
  fleet.grace_until = tonumber(clock[3] or 0)
end

local function replication_id()
  return redis.call('INFO', 'replication'):match('master_replid:(%w+)')
end

-- Index time goes forward only, whatever the clock does. A jump, or another replication id, begins a grace.
local function begin_change(fleet)
  local clock = redis.call('HMGET', fleet.key.clock, 'now', 'offset', 'grace', 'heard', 'replid', 'checked')
  local last, offset, checked = tonumber(clock[1] or nil), tonumber(clock[2] or 0), tonumber(clock[6] or 0)
  local replid = clock[5]
  local time = read_time()
  if last and time + offset < last then offset = last - time end
  fleet.now = time + offset
  fleet.grace_until = tonumber(clock[3] or 0)
  fleet.heard = clock[4] == '1'
  local grace = grace_after(fleet.now, last, fleet.heard, fleet.rules)
  if not replid or fleet.now - checked >= REPLID_EVERY then
    local current = replication_id()
    if replid and replid ~= current then grace = fleet.now + fleet.rules.grace end
    replid, checked = current, fleet.now
  end
  if grace then
    fleet.grace_until = grace
    fleet.heard = false
  end
  redis.call('HSET', fleet.key.clock, 'now', fleet.now, 'offset', offset, 'grace', fleet.grace_until,
    'heard', fleet.heard and '1' or '0', 'replid', replid, 'checked', checked)
end

-- `reported`: the state that its host has said a layer is in; else something else changed.
local function tell(fleet, kind, id, host, reported)
  local number = redis.call('HINCRBY', fleet.key.clock, 'changes', 1)
  redis.call('XADD', fleet.key.changes, 'MAXLEN', '~', fleet.rules.changesKept, '*',
    'n', number, 'kind', kind, 'id', id, 'host', host or '', 'reported', reported or '')
end

local function host_of(fleet, name)
  if not name then return nil end
  if fleet.hosts[name] == nil then
    local text = redis.call('HGET', fleet.key.hosts, name)
    fleet.hosts[name] = text and cjson.decode(text) or false
  end
  return fleet.hosts[name] or nil
end

local function all_hosts(fleet)
  local hosts = {}
  local all = redis.call('HGETALL', fleet.key.hosts)
  for i = 1, #all, 2 do
    local name = all[i]
    if fleet.hosts[name] == nil then fleet.hosts[name] = cjson.decode(all[i + 1]) end
    if fleet.hosts[name] then table.insert(hosts, fleet.hosts[name]) end
  end
  return hosts
end

local function put_host(fleet, host)
  fleet.hosts[host.name] = host
  fleet.dirty_hosts[host.name] = true
end

local function layer_of(fleet, id)
  if fleet.layers[id] == nil then
    local text = redis.call('HGET', fleet.key.layers, id)
    fleet.layers[id] = text and cjson.decode(text) or false
  end
  return fleet.layers[id] or nil
end

local function put_layer(fleet, layer)
  fleet.layers[layer.layer] = layer
  fleet.dirty_layers[layer.layer] = true
end

-- The layer's record, made when it is asked for the first time.
local function layer_record(fleet, id)
  local known = layer_of(fleet, id)
  if known then return known end
  local made = {
    layer = id, state = 'Asleep', since = fleet.now, generation = 0, ended = true, epoch = 0, players = 0, dataSafe = true,
    wished = false, assignedAt = 0, failures = 0, claimDeaths = 0
  }
  redis.call('ZADD', fleet.key.names, 0, id)
  put_layer(fleet, made)
  return made
end

local function zone_of(layer)
  return layer:match('^(.*)/%d+$')
end

local function bar_of(fleet, zone)
  local text = redis.call('HGET', fleet.key.bars, zone)
  return text and cjson.decode(text) or nil
end

local function is_barred(fleet, layer)
  return redis.call('HEXISTS', fleet.key.bars, zone_of(layer)) == 1
end

local function member_if(wanted, key, score, member)
  if wanted then redis.call('ZADD', key, score, member) else redis.call('ZREM', key, member) end
end

-- The layers of a zone that have a record, by name.
local function layers_of(fleet, zone)
  local layers = {}
  for i, id in ipairs(redis.call('ZRANGEBYLEX', fleet.key.names, '[' .. zone .. '/', '(' .. zone .. '0')) do layers[i] = layer_record(fleet, id) end
  return layers
end

-- What demand.lua remembers of the fleet.
local function demand_of(fleet)
  if not fleet.demand then
    local text = redis.call('HGET', fleet.key.clock, 'demand')
    fleet.demand = text and cjson.decode(text) or new_demand()
  end
  return fleet.demand
end

local function put_demand(fleet)
  fleet.dirty_demand = true
end

local function settle_demand(fleet)
  if fleet.dirty_demand then redis.call('HSET', fleet.key.clock, 'demand', cjson.encode(fleet.demand)) end
end

-- Writes the hosts that changed, and what finds them: `room` has the placeable ones in the order of choice, `seen` those that may be dead or are and
-- still have layers, `draining` those that drain and still have layers, `forget` those that are on their way out.
local function settle_hosts(fleet)
  for name in pairs(fleet.dirty_hosts) do
    local host = fleet.hosts[name]
    redis.call('HSET', fleet.key.hosts, name, cjson.encode(host))
    member_if(is_placeable(host, fleet.rules), fleet.key.room, place_score(host), name)
    if host.dead then
      member_if(host.layers > 0, fleet.key.seen, 0, name)
    else
      member_if(host.state ~= 'Leaving', fleet.key.seen, host.lastSeen, name)
    end
    member_if(host.state == 'Draining' and not host.dead and host.layers > 0, fleet.key.draining, 0, name)
    member_if(host.forgetAt ~= nil, fleet.key.forget, host.forgetAt or 0, 'host|' .. name)
  end
  fleet.dirty_hosts = {}
end

local function commit(fleet)
  settle_hosts(fleet)
  settle_demand(fleet)
  for id in pairs(fleet.dirty_layers) do
    local layer = fleet.layers[id]
    redis.call('HSET', fleet.key.layers, id, cjson.encode(layer))
    member_if(layer.deadline ~= nil, fleet.key.deadlines, layer.deadline or 0, id)
    if layer.players > 0 then
      redis.call('HSET', fleet.key.players, id, layer.players)
    else
      redis.call('HDEL', fleet.key.players, id)
    end
  end
end
