-- The library's functions. Those of a fleet take its keys, and as arguments the rules and what is asked, both as JSON; they answer JSON.

local function register_change(name, work)
  redis.register_function('bailiwick_' .. name, function(keys, args)
    local fleet = open_fleet(keys, args)
    begin_change(fleet)
    local answer = work(fleet, cjson.decode(args[2]))
    commit(fleet)
    return answer ~= nil and cjson.encode(answer) or nil
  end)
end

local function register_look(name, work)
  redis.register_function({
    function_name = 'bailiwick_' .. name,
    flags = { 'no-writes' },
    callback = function(keys, args)
      local fleet = open_fleet(keys, args)
      look_at_clock(fleet)
      return work(fleet, cjson.decode(args[2]))
    end
  })
end

register_change('announce_host', announce_host)
register_change('register_host', register_host)
register_change('heartbeat', heartbeat)
register_change('drain_host', drain_host)
register_change('cordon_node', cordon_node)
register_change('leave_host', leave_host)
register_change('suspect_host', suspect_host)
register_change('remove_host', remove_host)
register_change('place_layer', place_layer)
register_change('join_layer', join_layer)
register_change('redeem_ticket', redeem_ticket)
register_change('request_close', request_close)
register_change('begin_close', begin_close)
register_change('close_layer', close_layer)
register_change('fail_layer', fail_layer)
register_change('retry_layer', retry_layer)
register_change('bar_zone', bar_zone)
register_change('unbar_zone', unbar_zone)
register_change('forget_zone', forget_zone)
register_change('sweep', sweep)
register_change('autoscale', autoscale)

register_look('get_layer', function(fleet, asked)
  return cjson.encode(layer_answer(fleet, asked.layer, is_barred(fleet, asked.layer)))
end)

register_look('fleet_view', fleet_records)
register_look('fleet_news', fleet_news)

redis.register_function('bailiwick_put_zone', put_zone)
redis.register_function('bailiwick_delete_zone', delete_zone)
redis.register_function({ function_name = 'bailiwick_zone_news', flags = { 'no-writes' }, callback = zone_news })
redis.register_function('bailiwick_raise_fence', raise_fence)
redis.register_function({ function_name = 'bailiwick_has_fence', flags = { 'no-writes' }, callback = has_fence })
redis.register_function({ function_name = 'bailiwick_fence_epoch', flags = { 'no-writes' }, callback = fence_epoch })
redis.register_function({ function_name = 'bailiwick_read_journal', flags = { 'no-writes' }, callback = read_journal })
redis.register_function('bailiwick_start_journal', start_journal)
redis.register_function('bailiwick_append_journal', append_journal)
-- They free memory: a Redis that is full must not refuse them.
redis.register_function({ function_name = 'bailiwick_trim_journal', flags = { 'allow-oom' }, callback = trim_journal })
redis.register_function({ function_name = 'bailiwick_drop_journal', flags = { 'allow-oom' }, callback = drop_journal })
redis.register_function('bailiwick_set_location', set_location)
redis.register_function('bailiwick_bar_account', bar_account)
redis.register_function('bailiwick_unbar_account', unbar_account)
redis.register_function({ function_name = 'bailiwick_account_bars', flags = { 'no-writes' }, callback = account_bars })
redis.register_function({
  function_name = 'bailiwick_version',
  flags = { 'no-writes' },
  callback = function() return { VERSION, DIGEST } end
})
