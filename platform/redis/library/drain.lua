-- How hosts are emptied. platform/memory/drain.ts is the same in TypeScript.

-- What was to be moved stays where it is, unless it is being closed already.
local function take_back(fleet, layer)
  if layer.state == 'Closing' then return end
  unreserve(fleet, layer)
  layer.close = nil
  layer.wished = false
  layer.takenBack = true
  stop_moving(fleet, layer)
  put_layer(fleet, layer)
  layer_changed(fleet, layer)
end

-- The host takes no more layers: what was to be moved here stays where it is until its next turn, unless it is being closed already.
local function refuse_moves(fleet, host)
  if (host.reserved or 0) == 0 then return end
  for _, id in ipairs(redis.call('ZRANGE', fleet.key.moving, 0, -1)) do
    local layer = layer_record(fleet, id)
    if layer.target == host.name then
      unreserve(fleet, layer)
      take_back(fleet, layer)
    end
  end
end

local function mark_draining(fleet, host)
  host.state = 'Draining'
  host.counted = false
  put_host(fleet, host)
  host_changed(fleet, host)
end

-- What was about to come is sent elsewhere.
local function vacate(fleet, host)
  refuse_moves(fleet, host)
  -- Nothing of it is open here yet, and somebody waits for it.
  for _, layer in ipairs(held_by(fleet, host.name)) do
    if layer.state == 'Assigned' then resettle(fleet, layer, 'drained') end
  end
end

local function begin_drain(fleet, host)
  if host.state == 'Draining' then return end
  mark_draining(fleet, host)
  vacate(fleet, host)
end

-- An empty one disturbs nobody. The others go so many at a time, and only while one that stays has room.
local function is_turn(fleet, host)
  if host.state ~= 'Ready' and host.state ~= 'Retiring' then return false end
  if host.layers == 0 then return true end
  if not host.outdatedAt or fleet.now - host.outdatedAt < fleet.rules.outdatedSettle then return false end
  settle_hosts(fleet)
  local draining, hosts = redis.call('ZCARD', fleet.key.draining), redis.call('ZCARD', fleet.key.seen)
  return draining < outdated_at_once(hosts, fleet.rules) and choose_host(fleet, NOWHERE) ~= nil
end

-- One that is being claimed is served first, unless there is no time.
local function is_movable(layer, rushed)
  return not layer.close and (layer.state == 'Serving' or (rushed and layer.state == 'Claiming'))
end

-- It is asked to close here; a slot elsewhere is kept for it. With nowhere to go it is opened again only if somebody is in.
local function move(fleet, layer, from, target)
  if target then
    target.reserved = (target.reserved or 0) + 1
    keep(fleet, target)
    layer.target = target.name
  end
  layer.movedFrom = from.name
  redis.call('ZADD', fleet.key.moving, 0, layer.layer)
  layer.wished = layer.wished or target ~= nil or layer.players > 0
  layer.close = 'Drain'
  layer.takenBack = false
  put_layer(fleet, layer)
  layer_changed(fleet, layer)
end

-- Has the next layers moved, as many as may be.
local function move_on(fleet, host)
  local left = host.drainBy and host.drainBy - fleet.now or nil
  local rushed = is_rushed(left, fleet.rules)
  local held = held_by(fleet, host.name)
  local may, all = moves_at_once(#held, left, fleet.rules), redis.call('ZRANGE', fleet.key.moving, 0, -1)
  local moving = #all
  for _, id in ipairs(all) do
    if layer_record(fleet, id).movedFrom == host.name then may = may - 1 end
  end
  for _, layer in ipairs(held) do
    if may <= 0 or (moving >= fleet.rules.drainMoves and not rushed) then return end
    if is_movable(layer, rushed) then
      local target = host_for(fleet, layer, layers_of(fleet, zone_of(layer.layer)), not rushed)
      if not target and not rushed then return end
      move(fleet, layer, host, target)
      may, moving = may - 1, moving + 1
    end
  end
end

-- With a heartbeat: an outdated host begins to drain when its turn comes, and one that drains goes on with it.
local function drain_on(fleet, host)
  if host.outdated and is_turn(fleet, host) then begin_drain(fleet, host) end
  if host.state == 'Draining' then move_on(fleet, host) end
end

-- Its layers are moved with its heartbeats, so that no other that is told to drain in the same moment is chosen for them.
local function drain_host(fleet, asked)
  local host = host_of(fleet, asked.host)
  if not host or host.state == 'Leaving' then return end
  host.cordoned = false
  if asked.withinMs then host.drainBy = math.min(host.drainBy or math.huge, fleet.now + asked.withinMs) end
  put_host(fleet, host)
  begin_drain(fleet, host)
end

local function keep_all(fleet, host)
  host.cordoned = false
  host.state = 'Ready'
  put_host(fleet, host)
  host_changed(fleet, host)
  for _, layer in ipairs(held_by(fleet, host.name)) do
    if layer.movedFrom == host.name and layer.close == 'Drain' then take_back(fleet, layer) end
  end
end

-- The node takes no more pods, or takes them again: then its hosts stay, unless they drain for another reason as well.
local function cordon_node(fleet, asked)
  local hosts, begun = all_hosts(fleet), {}
  table.sort(hosts, function(a, b) return a.name < b.name end)
  for _, host in ipairs(hosts) do
    if host.node == asked.node and host.state ~= 'Leaving' then
      if not asked.cordoned then
        if host.cordoned then keep_all(fleet, host) end
      elseif host.state ~= 'Draining' then
        host.cordoned = true
        mark_draining(fleet, host)
        table.insert(begun, host)
      end
    end
  end
  -- Only now: nothing of one goes to another.
  for _, host in ipairs(begun) do vacate(fleet, host) end
end
