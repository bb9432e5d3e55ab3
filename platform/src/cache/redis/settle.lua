-- ARGV[3], ARGV[4]: how long, and the value; neither for a release. Stored if the writer was alone.
redis.call('DEL', key)
if not list then
  return 0
end
local writers, mixed = standing(list)
local at = own(writers)
if not at then
  keep(writers, true)
  return 0
end
table.remove(writers, at)
keep(writers, mixed)
if ARGV[3] and #writers == 0 and not mixed then
  store('V', tonumber(ARGV[3]), ARGV[4])
  return 1
end
return 0
