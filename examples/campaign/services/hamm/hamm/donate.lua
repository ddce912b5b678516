-- Append a donation to the stream, keep its receipt, and count it.
--
-- KEYS[2]  the stream     KEYS[3]  the receipt     KEYS[4]  the summary
-- ARGV[3]  the amount in cents, then the stream entry's fields and values
return once(function()
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
  redis.call('SET', KEYS[3], ARGV[2])
  redis.call('HINCRBY', KEYS[4], 'count', 1)
  redis.call('HINCRBY', KEYS[4], 'total_cents', ARGV[3])
end)
