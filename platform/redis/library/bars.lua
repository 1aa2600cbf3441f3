-- Which zones may not be placed in the fleet. platform/memory/bars.ts is the same in TypeScript.

local function bar_zone(fleet, asked)
  local bar = bar_of(fleet, asked.zone)
  if bar and bar.reason == asked.reason and not bar.forgetAt then return end
  redis.call('HSET', fleet.key.bars, asked.zone, cjson.encode({ reason = asked.reason }))
  redis.call('ZREM', fleet.key.forget, 'zone|' .. asked.zone)
  for _, layer in ipairs(layers_of(fleet, asked.zone)) do
    layer.wished = false
    put_layer(fleet, layer)
    -- Nothing is to be closed, but it reads as Barred from now on.
    if layer.state == 'Asleep' or layer.state == 'Quarantined' then layer_changed(fleet, layer) end
    request_close(fleet, { layer = layer.layer, reason = asked.reason })
  end
end

local function drop_bar(fleet, zone)
  redis.call('ZREM', fleet.key.forget, 'zone|' .. zone)
  return redis.call('HDEL', fleet.key.bars, zone) == 1
end

local function unbar_zone(fleet, asked)
  if not drop_bar(fleet, asked.zone) then return end
  for _, layer in ipairs(layers_of(fleet, asked.zone)) do layer_changed(fleet, layer) end
end

local function drop_layer(fleet, id)
  fleet.layers[id] = false
  fleet.dirty_layers[id] = nil
  redis.call('HDEL', fleet.key.layers, id)
  redis.call('ZREM', fleet.key.names, id)
  redis.call('HDEL', fleet.key.players, id)
  tell(fleet, 'layer', id)
end

-- Only layers that nobody hosts are dropped; a second call, when the last is closed, drops the rest.
local function forget_zone(fleet, asked)
  local bar = bar_of(fleet, asked.zone)
  if not bar then return end
  bar.forgetAt = fleet.now + fleet.rules.barForgottenAfter
  redis.call('HSET', fleet.key.bars, asked.zone, cjson.encode(bar))
  redis.call('ZADD', fleet.key.forget, bar.forgetAt, 'zone|' .. asked.zone)
  for _, layer in ipairs(layers_of(fleet, asked.zone)) do
    if layer.state == 'Asleep' or layer.state == 'Quarantined' then drop_layer(fleet, layer.layer) end
  end
end
