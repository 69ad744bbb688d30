/**
 * A spend as a Lua script of Redis. The same work: the answer of a request_id is kept a day with its
 * effect, the balance is checked and lowered, a stream gets the entry, and the agent's hour its minute.
 * Amounts are whole millionths, since Redis counts in integers. It keeps no hash chain, no limits and no
 * pool: what it leaves out is to its advantage.
 */
export const SPEND_SCRIPT = `
local agent, request, entries, usage = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local amount = tonumber(ARGV[1])
local kept = redis.call('GET', request)
if kept then return {'REPLAYED', kept} end
local row = redis.call('HMGET', agent, 'allocated', 'spent', 'reserved', 'overdraft')
local available = row[1] - row[2] - row[3] + row[4]
if amount > available then return {'DENIED', tostring(available)} end
local spent = redis.call('HINCRBY', agent, 'spent', amount)
local revision = redis.call('HINCRBY', agent, 'revision', 1)
local id = redis.call('XADD', entries, '*', 'kind', 'SPEND', 'agent', agent, 'amount', amount,
  'spent', spent, 'request', request, 'principal', 'agent', 'category', ARGV[2],
  'tokens', ARGV[3], 'trace', '')
redis.call('SET', request, id .. ' ' .. (available - amount) .. ' ' .. revision, 'EX', 86400)
redis.call('HINCRBY', usage, ARGV[4] .. ':amount', amount)
redis.call('HINCRBY', usage, ARGV[4] .. ':requests', 1)
redis.call('HINCRBY', usage, ARGV[4] .. ':tokens', ARGV[3])
return {'APPROVED', id, tostring(available - amount)}
`;

/** The stream of the entries. */
export const ENTRIES_KEY = 'entries';

/** Millionths of a unit that an agent begins with, and that a spend takes. */
export const ALLOCATED = 1_000_000_000_000;
export const AMOUNT = 12_500;

/** The fields of an agent before its first spend. */
export const AGENT_FIELDS = [
  ...['allocated', String(ALLOCATED), 'spent', '0'],
  ...['reserved', '0', 'overdraft', '0', 'revision', '0'],
];
