-- once(write): the first part of every script that must store a request exactly once.
--
-- KEYS[1]  the record of the idempotency key: a hash of the body's digest and the answer given
-- ARGV[1]  the digest of this request's body
-- ARGV[2]  the answer to remember
--
-- `write` stores the request, or returns a refusal and stores nothing; a refusal is not remembered.
-- The record comes last: if `write` fails, the key stays new. Redis logs all of a script's writes as
-- one transaction, so a crash keeps all of them or none. Records never expire, as donations do not.
local function once(write)
  local digest, answer = unpack(redis.call('HMGET', KEYS[1], 'digest', 'answer'))
  if digest == ARGV[1] then
    return {'replayed', answer}
  elseif digest then
    return {'conflict', ''}
  end
  local refusal = write()
  if refusal then
    return {'refused', refusal}
  end
  redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'answer', ARGV[2])
  return {'stored', ARGV[2]}
end

