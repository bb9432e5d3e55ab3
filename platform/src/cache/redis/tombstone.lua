-- ARGV[3], ARGV[4]: how long, and how many rows a guard may hold. 1, or -1 when there is no room.
redis.call('DEL', key)
if not born then
  begin()
end
if not list then
  local count = redis.call('HLEN', guard)
  local bound = tonumber(ARGV[4])
  if count >= (tonumber(redis.call('HGET', guard, 's') or nil) or math.min(64, bound)) then
    local all = redis.call('HGETALL', guard)
    for at = 1, #all, 2 do
      if string.sub(all[at], 1, 1) == ':' and #(standing(all[at + 1])) == 0 then
        redis.call('HDEL', guard, all[at])
        count = count - 1
      end
    end
    if count >= bound then
      return -1
    end
    redis.call('HSET', guard, 's', math.min(math.max(2 * count, 64), bound))
  end
end
local writers, mixed = standing(list)
-- A writer from before the guard was born may be at work without anybody knowing.
mixed = mixed or born > now or now - born < TOMBSTONE
local entry = ARGV[2] .. stamp(now + tonumber(ARGV[3]))
local at = own(writers)
if at then
  writers[at] = entry
else
  mixed = mixed or #writers > 0
  writers[#writers + 1] = entry
end
keep(writers, mixed)
redis.call('PEXPIRE', guard, GUARD)
return 1
