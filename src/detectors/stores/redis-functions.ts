// The one write of the Redis store, as a Redis Function (Redis 7.0 or later): stored and replicated with the data, so no
// script has to be sent again after a restart or failover, behind commands that are already queued.

/** The version is part of the names: programs of two versions may use one Redis side by side. */
const LIBRARY = 'declinewatch_windows_v1';
export const APPEND = 'declinewatch_windows_append_v1';

/** Most field-value pairs in one HSET or HDEL: Lua cannot unpack more than about 8,000 values. */
const CHUNK = 1_000;

export const LIBRARY_CODE = `#!lua name=${LIBRARY}
--[[
Appends rows to a partition and moves its next offset, if nobody else has moved it.

Keys (all under one hash tag)
  1  head      hash: schema, next, seal, at (ms of the last append), kept (number of fields of rows)
  2  rows      hash: rule and mark rows by id
  3  segments  sorted set: numbers of the segments, by ms of their last append; and 'all', added with the first append
  4  segment   list: attempts, one element for each append
Arguments
  1  schema    version of what is stored
  2  expected  next offset that must be stored now; '' if nothing may be stored
  3  next      next offset to store
  4  seal      identifies this very append: expected, next and a hash of the rows
  5  now       ms, the caller's clock: a function asks no clock
  6  keep      ms: every key expires so long after its last append
  7  outage    ms: refused if the last append is longer ago, because old segments may have expired since
  8  number    of the segment
  9  attempts  bytes; '' if none
  10 set       number of rows to set, then so many pairs of field and value; the remaining arguments are fields to delete
Guarantee
  All or nothing, and only if the stored next offset is the expected one. Called again with the same seal as the last
  append, it changes nothing and answers as the first time.
Returns
  'appended', 'refused', or 'newer' and the schema found
]]
local function append(keys, args)
  local head = redis.call('HMGET', keys[1], 'schema', 'next', 'seal', 'at')
  if head[1] and tonumber(head[1]) > tonumber(args[1]) then
    return { 'newer', head[1] }
  end
  if head[2] and tonumber(args[5]) - tonumber(head[4] or '0') > tonumber(args[7]) then
    return { 'refused' }
  end
  if (head[2] or '') ~= args[2] then
    if head[3] == args[4] then return { 'appended' } end
    return { 'refused' }
  end
  local keep = args[6]
  if args[2] == '' then
    -- What is left of an older life is not to be mixed with the new one. The member 'all' tells a reader that the list
    -- of segments was not lost and begun again.
    redis.call('UNLINK', keys[2], keys[3])
    redis.call('ZADD', keys[3], args[5], 'all')
  end
  if args[9] ~= '' then
    -- A segment that is not listed is a remnant of what was lost.
    if redis.call('ZADD', keys[3], args[5], args[8]) == 1 then redis.call('UNLINK', keys[4]) end
    redis.call('RPUSH', keys[4], args[9])
    redis.call('PEXPIRE', keys[4], keep)
  end
  redis.call('PEXPIRE', keys[3], keep)
  local last = 10 + 2 * tonumber(args[10])
  for from = 11, last, ${2 * CHUNK} do
    redis.call('HSET', keys[2], unpack(args, from, math.min(from + ${2 * CHUNK} - 1, last)))
  end
  for from = last + 1, #args, ${CHUNK} do
    redis.call('HDEL', keys[2], unpack(args, from, math.min(from + ${CHUNK} - 1, #args)))
  end
  redis.call('PEXPIRE', keys[2], keep)
  local kept = redis.call('HLEN', keys[2])
  redis.call('HSET', keys[1], 'schema', args[1], 'next', args[3], 'seal', args[4], 'at', args[5], 'kept', tostring(kept))
  redis.call('PEXPIRE', keys[1], keep)
  return { 'appended' }
end
redis.register_function('${APPEND}', append)
`;
