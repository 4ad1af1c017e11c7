import { ImstateError } from 'imstate-client/internal/shared/errors';
import { connectError } from '../store/redis/errors.js';
import { loadScripts } from '../store/redis/scripts.js';
import { describeRedisUrl, parseRedisUrl } from '../store/redis/url.js';
import { type Finding, ok, skipped } from './check.js';
import type { DoctorOptions } from './options.js';
import type { Master } from './redisNodes.js';
import { isOld } from './redisSettings.js';

/** Checks in Redis whether this user may use each command, without running it. */
const ASK = `#!lua flags=no-writes
local refused = {}
for _, command in ipairs(cjson.decode(ARGV[1])) do
  if not redis.acl_check_cmd(unpack(command)) then
    table.insert(refused, table.concat(command, ' ', 1, 2))
  end
end
return refused`;

/**
 * Checks that the user of Redis may do all that a daemon does. The check itself shows that it may run
 * scripts.
 */
export async function judgeRights(
  masters: Master[],
  { redis: url, keyPrefix, waitReplicas }: DoctorOptions & { redis: string },
): Promise<Finding> {
  if (masters.some(isOld)) return skipped('Redis before 7.0 cannot check rights');
  const { db, kind } = parseRedisUrl(url);
  const commands = [
    ...scriptCommands(db, `${keyPrefix}{0}:x`),
    ['EXISTS', `${keyPrefix}layout`],
    // Without it, daemons serve, and lose records of administrative acts.
    ['LPUSH', `${keyPrefix}audit`, ''],
    // Without it, they cannot change session policies.
    ['HSET', `${keyPrefix}policies`, 'id', ''],
    // Without it, no relay can run.
    ['HSET', `${keyPrefix}relays`, 'name', ''],
    ['EVALSHA', '0', '0'],
    ['PING', ''],
    ['SELECT', `${db}`],
    ...[`${keyPrefix}bell`, `${keyPrefix}changes:${db}`].flatMap((channel) => [
      ['PUBLISH', channel, ''],
      ['SUBSCRIBE', channel],
    ]),
    ...(waitReplicas > 0 ? [['WAIT', '1', '1']] : []),
    ...(kind === 'cluster' ? [['CLUSTER', 'SLOTS']] : []),
  ];
  const refused = new Set<string>();
  for (const { redis } of masters) {
    const answer = await redis.call('EVAL', ASK, '0', JSON.stringify(commands)).catch((error) => {
      throw connectError(describeRedisUrl(url), error, undefined);
    });
    for (const command of answer as string[]) refused.add(command);
  }
  if (refused.size === 0) return ok(`all that a daemon does is allowed on ${keyPrefix}*`);
  const wayOut = 'grant them with ACL SETUSER, see docs/tls.md';
  const message = `the user of Redis may not do ${[...refused].join(', ')}: ${wayOut}`;
  throw new ImstateError('PERMISSION_DENIED', message);
}

/** The commands of the scripts, each on this key. Channels have other names. */
function scriptCommands(db: number, key: string): string[][] {
  const lua = Object.values(loadScripts(db)).map((script) => script.lua);
  const names = lua.flatMap((text) =>
    [...text.matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, name]) => `${name}`),
  );
  const known: Record<string, string[]> = {
    INFO: ['replication'],
    TIME: [''],
    DEL: [key],
    EXISTS: [key],
    GET: [key],
    SET: [key, '1'],
    RENAME: [key, key],
  };
  return [...new Set(names)].map((name) => [name, ...(known[name] ?? [key, '1', '1'])]);
}
