-- The slots beside the fleets': zone settings, characters' places.

-- keys: settings, clock, changes. args: how many changes are kept, the zone, its settings.
local function tell_zone(keys, kept, zone)
  local number = redis.call('HINCRBY', keys[2], 'changes', 1)
  redis.call('XADD', keys[3], 'MAXLEN', '~', kept, '*', 'n', number, 'kind', 'zone', 'id', zone, 'host', '')
end

local function put_zone(keys, args)
  local known = redis.call('HGET', keys[1], args[2])
  if known then
    local old, new = cjson.decode(known), cjson.decode(args[3])
    if old.uid == new.uid and old.generation > new.generation then return end
  end
  redis.call('HSET', keys[1], args[2], args[3])
  tell_zone(keys, args[1], args[2])
end

-- args: how many changes are kept, the zone, its uid.
local function delete_zone(keys, args)
  local known = redis.call('HGET', keys[1], args[2])
  if not known or cjson.decode(known).uid ~= args[3] then return end
  redis.call('HDEL', keys[1], args[2])
  tell_zone(keys, args[1], args[2])
end

-- keys: the location. args: version, location. An older version changes nothing.
local function set_location(keys, args)
  local version = redis.call('HGET', keys[1], 'version')
  if version and tonumber(version) > tonumber(args[1]) then return end
  redis.call('HSET', keys[1], 'version', args[1], 'location', args[2])
end
