-- Take a seat, if there is one, and append the sign-up to the stream.
--
-- KEYS[2]  the stream     KEYS[3]  the seats taken, a hash by event
-- ARGV[3]  the event      ARGV[4]  its capacity, then the stream entry's fields and values
return once(function()
  if tonumber(redis.call('HGET', KEYS[3], ARGV[3]) or 0) >= tonumber(ARGV[4]) then
    return 'All seats of this event are taken.'
  end
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 5))
  redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
end)
