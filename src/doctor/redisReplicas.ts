import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Finding, ok } from './check.js';
import { type Master, settingOf } from './redisNodes.js';
import { worstOf } from './redisSettings.js';

const SETTING = 'min-replicas-to-write';

/** Checks that there are as many replicas as Redis itself requires, and as changes wait for. */
export async function judgeReplicas(masters: Master[], wanted: number): Promise<Finding> {
  const minimum = await settingOf(masters, SETTING);
  return worstOf(masters, (master) => {
    const { addr, info } = master;
    checkMinimum(master, minimum.get(master));
    const online = Object.entries(info).filter(
      ([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online'),
    ).length;
    const message = `${online} ${online === 1 ? 'replica' : 'replicas'} in step`;
    if (wanted === 0) return ok(`${message}; changes wait for none`);
    if (online >= wanted) return ok(`${message}; changes wait for ${wanted}`);
    const rule = `${addr} has ${message}, and --redis-wait-replicas is ${wanted}, so changes fail`;
    throw new ImstateError('STORE_UNAVAILABLE', `${rule}: start replicas, or lower --redis-wait-replicas`);
  });
}

/**
 * Throws if Redis rejects changes (NOREPLICAS). INFO has the number of good replicas only if some are
 * required.
 */
function checkMinimum({ addr, info }: Master, minimum = 'unknown'): void {
  const good = info.min_slaves_good_slaves;
  // If this user may not read the setting, it is known to be at least 1.
  if (good === undefined || Number(good) >= (Number(minimum) || 1)) return;
  const rule = `${addr} rejects changes: ${SETTING} is ${minimum}, and ${good} are not behind by more than min-replicas-max-lag`;
  const wayOut = `start replicas, or CONFIG SET ${SETTING} 0 by redis-cli, and the same in redis.conf`;
  throw new ImstateError('STORE_UNAVAILABLE', `${rule}: ${wayOut}`);
}
