redis.call('DEL', key)
if list then
  keep(standing(list), true)
end
return 0
