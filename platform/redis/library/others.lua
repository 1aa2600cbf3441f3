-- The slots beside the fleets': zone settings, characters' places.

-- keys: settings, clock, changes, contents by hash, how many zones name each. args: how many changes are kept, the zone, its settings, the
-- content that they name ('': the one that is known).
local function tell_zone(keys, kept, zone)
  local number = redis.call('HINCRBY', keys[2], 'changes', 1)
  redis.call('XADD', keys[3], 'MAXLEN', '~', kept, '*', 'n', number, 'kind', 'zone', 'id', zone, 'host', '')
end

-- A content goes with the last zone that names it.
local function change_content(keys, before, after)
  -- What an earlier release stored there is no hash.
  if type(before) ~= 'string' then before = nil end
  if before == after then return end
  if after then redis.call('HINCRBY', keys[5], after, 1) end
  if before and redis.call('HINCRBY', keys[5], before, -1) <= 0 then
    redis.call('HDEL', keys[5], before)
    redis.call('HDEL', keys[4], before)
  end
end

local function put_zone(keys, args)
  local known = redis.call('HGET', keys[1], args[2])
  local old, new = known and cjson.decode(known) or {}, cjson.decode(args[3])
  if known and old.uid == new.uid and old.generation > new.generation then return 'Done' end
  if new.content then
    if args[4] ~= '' then
      redis.call('HSET', keys[4], new.content, args[4])
    elseif redis.call('HEXISTS', keys[4], new.content) == 0 then
      return 'ContentMissing'
    end
  end
  redis.call('HSET', keys[1], args[2], args[3])
  change_content(keys, old.content, new.content)
  tell_zone(keys, args[1], args[2])
  return 'Done'
end

-- args: how many changes are kept, the zone, its uid.
local function delete_zone(keys, args)
  local known = redis.call('HGET', keys[1], args[2])
  local old = known and cjson.decode(known) or {}
  if not known or old.uid ~= args[3] then return end
  redis.call('HDEL', keys[1], args[2])
  change_content(keys, old.content, nil)
  tell_zone(keys, args[1], args[2])
end

-- keys: the location. args: version, location. An older version changes nothing; what is said again was so before.
local function set_location(keys, args)
  local known = redis.call('HMGET', keys[1], 'version', 'location')
  if known[1] and tonumber(known[1]) > tonumber(args[1]) then return end
  if known[1] == args[1] and known[2] == args[2] then return end
  redis.call('HSET', keys[1], 'version', args[1], 'location', args[2], 'since', read_time())
end
