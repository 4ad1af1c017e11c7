import { afterEach, describe, expect, test } from 'vitest';
import { ImstateError } from '../../../packages/client/src/shared/errors.ts';
import type { SessionPolicy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { classOf } from '../../../src/presence/policy.ts';
import type { LoginResult, Session } from '../../../src/presence/sessions.ts';
import { Random } from '../../../src/simulation/random.ts';
import type { Answer, Operation, UserRead } from '../../../src/store/operations.ts';
import type { PresenceStore } from '../../../src/store/store.ts';
import { login, logout, type MakeStore, START, STORE_OPTIONS } from './contract/underTest.ts';
import { makeEmbeddedStore, makeRedisStore } from './stores.ts';

const OPERATIONS = 100_000;
const BATCH = 50;
const USERS = 40;
const PLATFORMS = ['ios', 'android', 'web', 'tv'];
const DEVICES = 12;
/** Batches that each daemon has in flight. */
const IN_FLIGHT = 4;
const TIMEOUT = { timeout: 300_000 };

const POLICY = checkPolicy({
  name: 'race',
  classes: { mobile: ['ios', 'android'] },
  limits: [
    { per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' },
    { per: 'platform', max: 2, onConflict: 'REJECT' },
    { per: 'user', max: 4, onConflict: 'KICK_OLDEST' },
  ],
});

const disposables: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0).reverse()) await dispose();
});

describe('logins at the same time', () => {
  test('never exceed a limit together, in Redis with several daemons', TIMEOUT, async () => {
    const stores = await storesOf(makeRedisStore, 3);
    expect(await race(stores)).toEqual([]);
  });

  test('never exceed a limit together, in the embedded store', TIMEOUT, async () => {
    expect(await race(await storesOf(makeEmbeddedStore, 1))).toEqual([]);
  });
});

/** The stores of several daemons on the same data. */
async function storesOf(makeStore: MakeStore, daemons: number): Promise<PresenceStore[]> {
  const underTest = await makeStore({ ...STORE_OPTIONS, changeLimit: 1_000 });
  disposables.push(() => underTest.remove());
  underTest.setClock(START);
  await underTest.store.open();
  const others = Array.from({ length: daemons - 1 }, () => underTest.another());
  for (const store of others) {
    await store.open();
    disposables.push(() => store.close());
  }
  return [underTest.store, ...others];
}

/** Logs devices in and out until there were enough operations. Returns what exceeded a limit, for any reader. */
async function race(stores: PresenceStore[]): Promise<string[]> {
  const random = new Random(817_884);
  const faults: string[] = [];
  const counts = { done: 0, kicked: 0, rejected: 0 };
  const work = async (store: PresenceStore) => {
    while (counts.done < OPERATIONS) {
      const operations = Array.from({ length: BATCH }, () => operationOf(random));
      const reads = operations.map(
        ({ request: { userId } }): Operation => ({ type: 'getUser', request: { userId } }),
      );
      // A read after some of the changes of a batch, amid those of the others.
      const answers = await store.apply(
        operations.flatMap((each, i) => (i % 5 === 0 ? [each, reads[i] as Operation] : [each])),
      );
      for (const answer of answers) check(answer, counts, faults);
    }
  };
  await Promise.all(stores.flatMap((store) => Array.from({ length: IN_FLIGHT }, () => work(store))));
  expect(counts.done).toBeGreaterThanOrEqual(OPERATIONS);
  // Otherwise nothing was at stake.
  expect(counts.kicked).toBeGreaterThan(OPERATIONS / 20);
  expect(counts.rejected).toBeGreaterThan(OPERATIONS / 100);
  return faults;
}

function operationOf(random: Random): Operation {
  const userId = `user-${random.between(0, USERS - 1)}`;
  const device = random.between(0, DEVICES - 1);
  const deviceId = `device-${device}`;
  if (random.chance(0.2)) return { type: 'offline', request: logout({ userId, deviceId }) };
  const platform = PLATFORMS[device % PLATFORMS.length] as string;
  const sessionId = `s-${random.between(0, 1e9)}`;
  return { type: 'online', request: login({ userId, deviceId, platform, sessionId, policy: POLICY }) };
}

/** Counts what was done. A busy machine may lose a connection to Redis; that is no fault of a policy. */
function check(
  answer: Answer | Error,
  counts: { done: number; kicked: number; rejected: number },
  faults: string[],
): void {
  if (answer instanceof ImstateError && answer.code === 'STORE_UNAVAILABLE') return;
  if (!(answer instanceof Error) && !(typeof answer === 'object' && 'sessions' in answer)) counts.done += 1;
  if (answer instanceof Error) faults.push(answer.message);
  else if (typeof answer === 'object' && 'sessions' in answer)
    faults.push(...excessOf(POLICY, answer as UserRead));
  else if (typeof answer === 'object') {
    const { replaced, rejection } = answer as LoginResult;
    if (replaced.length > 0) counts.kicked += 1;
    if (rejection !== undefined) counts.rejected += 1;
  }
}

/** Which limits the sessions of a user exceed. */
function excessOf(policy: SessionPolicy, { sessions }: UserRead): string[] {
  const online = sessions.filter((session) => session.online);
  return policy.limits.flatMap((limit) => {
    const keyOf = ({ platform }: Session) =>
      limit.per === 'user' ? '' : limit.per === 'platform' ? platform : classOf(policy, platform);
    const most = Math.max(
      0,
      ...Object.values(countBy(online, keyOf, limit.per === 'class' ? limit.class : undefined)),
    );
    return most > limit.max ? [`${most} sessions: ${JSON.stringify(limit)}`] : [];
  });
}

function countBy(sessions: Session[], keyOf: (session: Session) => string, only: string | undefined) {
  const counts: Record<string, number> = {};
  for (const session of sessions) {
    const key = keyOf(session);
    if (only === undefined || key === only) counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
