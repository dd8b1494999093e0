import { LAST_ID } from "./redis-entries.ts";

/*
 * What runs inside Redis. XREAD answers whole entries, however large a writer made them; a script looks at their sizes first, so that
 * nothing above a bound ever leaves Redis for whoever reads. All but the counter are read-only (EVAL_RO, Redis 7), and all keys of a
 * script lie in one slot.
 */

/** What a part of an entry costs beside its bytes: Redis takes it apart for the script, and a million of one byte take it half a second. */
const PART_BYTES = 100;

/**
 * The next entries of a writer: first what is in its papers, and only when no more are there what is in its rounds, so that a change of
 * config comes before the rounds under it.
 *
 * KEYS: papers, rounds. ARGV: the id read last of each, most entries, most bytes in all (passed by the last entry), most bytes and most
 * parts of one entry. Answers one list per key of `{id, bytes, parts}`, `bytes` being what it cost to look at; of an entry above a bound only
 * `{id, bytes}`. That one is looked at as well, while Redis does nothing else, so it counts like any other.
 */
export const READ_SCRIPT = `
local left, bytes, answer = tonumber(ARGV[3]), tonumber(ARGV[4]), {{}, {}}
for k = 1, 2 do
  local after = ARGV[k]
  while left > 0 and bytes > 0 and after ~= '${LAST_ID}' do
    local entry = redis.call('XRANGE', KEYS[k], '(' .. after, '+', 'COUNT', 1)[1]
    if not entry then break end
    local size = 0
    for _, part in ipairs(entry[2]) do size = size + #part end
    local cost = size + ${PART_BYTES} * #entry[2]
    local found = {entry[1], cost}
    if size <= tonumber(ARGV[5]) and #entry[2] <= tonumber(ARGV[6]) then found[3] = entry[2] end
    bytes = bytes - cost
    table.insert(answer[k], found)
    after = entry[1]
    left = left - 1
  end
end
return answer`;

/**
 * Steps back through a stream. KEYS: the stream. ARGV: the id to step back from, or "+"; most entries; most bytes to look at. Answers
 * `{id reached, or false when the stream ended, entries stepped over}`.
 */
export const BACK_SCRIPT = `
local from, steps, bytes = ARGV[1], 0, tonumber(ARGV[3])
if from ~= '+' then from = '(' .. from end
local reached = false
while steps < tonumber(ARGV[2]) and bytes > 0 do
  local entry = redis.call('XREVRANGE', KEYS[1], from, '-', 'COUNT', 1)[1]
  if not entry then return {false, steps} end
  bytes = bytes - ${PART_BYTES} * #entry[2]
  for _, part in ipairs(entry[2]) do bytes = bytes - #part end
  reached = entry[1]
  from = '(' .. reached
  steps = steps + 1
end
return {reached, steps}`;

/** The newest ids of KEYS, each false when the stream is not there or empty. */
export const NEWEST_SCRIPT = `
local answer = {}
for k = 1, #KEYS do
  local entry = redis.call('XREVRANGE', KEYS[k], '+', '-', 'COUNT', 1)[1]
  answer[k] = entry and entry[1] or false
end
return answer`;

/**
 * Counts one more in a window that begins with the first. KEYS: the counter. ARGV: the window's length in ms. Answers `{count, ms until
 * the window ends}`.
 */
export const COUNT_SCRIPT = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`;
