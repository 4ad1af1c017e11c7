import { ImstateError } from 'imstate-client/internal/shared/errors';
import { type Finding, ok } from './check.js';
import { type Master, settingOf } from './redisNodes.js';
import { worstOf } from './redisSettings.js';

const SETTING = 'min-replicas-to-write';

/** Whether there are as many replicas as Redis itself asks for, and as changes wait for. */
export async function judgeReplicas(masters: Master[], wanted: number): Promise<Finding> {
  const least = await settingOf(masters, SETTING);
  return worstOf(masters, (master) => {
    const { addr, info } = master;
    checkLeast(master, least.get(master));
    const online = Object.entries(info).filter(
      ([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online'),
    ).length;
    const message = `${online} ${online === 1 ? 'replica' : 'replicas'} in step`;
    if (wanted === 0) return ok(`${message}; changes wait for none`);
    if (online >= wanted) return ok(`${message}; changes wait for ${wanted}`);
    const rule = `${addr} has ${message}, and --redis-wait-replicas is ${wanted}, so changes fail`;
    throw new ImstateError('STORE_UNAVAILABLE', `${rule}: start replicas, or ask for fewer`);
  });
}

/** Throws if Redis refuses changes (NOREPLICAS). It says how many replicas are not behind only where it asks for some. */
function checkLeast({ addr, info }: Master, least = 'unknown'): void {
  const good = info.min_slaves_good_slaves;
  // Who may not read the setting knows that it is 1 at least.
  if (good === undefined || Number(good) >= (Number(least) || 1)) return;
  const rule = `${addr} refuses changes, for ${SETTING} is ${least} and it has ${good} that are not behind by more than min-replicas-max-lag`;
  const wayOut = `start replicas, or CONFIG SET ${SETTING} 0 by redis-cli, and the same in redis.conf`;
  throw new ImstateError('STORE_UNAVAILABLE', `${rule}: ${wayOut}`);
}
