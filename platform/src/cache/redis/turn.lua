-- KEYS: a guard. ARGV[1]: the time, or nothing. ARGV[2]: its new generation, which voids all values and
-- leases and mixes all writers. ARGV[3]: 'wipe'; 'lost', when tombstones may have been lost; 'new', when
-- there were none.
local guard = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
if ARGV[3] == 'new' then
  now = 0
end
if ARGV[3] ~= 'wipe' or redis.call('HEXISTS', guard, 'b') == 0 then
  redis.call('HSET', guard, 'b', string.format('%013.0f', now))
end
redis.call('HSET', guard, 'g', ARGV[2])
redis.call('PEXPIRE', guard, GUARD)
return 1
