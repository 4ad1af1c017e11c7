import { expect, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { startImstateWith } from '../support/imstate.ts';
import { startRedis } from '../support/servers.ts';

const HEAP = '--max-old-space-size=512';
const USERS = 30;
const DEVICES = 1_000;
const BATCHES = 50;
/** Requests for one user each. */
const SINGLES = 150;
/** How many calls of another caller must complete before the heavy requests. */
const PROBES = 5;
/** So long that the devices of all users have no room in a response. */
const DEVICE = `device ${'x'.repeat(150)}`;
const SERVER = '10.0.0.1:9000';
const REPLACE_ALL = 3;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;

const userIds = Array.from({ length: USERS }, (_, i) => `user-${i}`);

/** A daemon whose users have the maximum of devices, a client for heavy requests, and another one. */
async function startLoaded(kind: string) {
  const store = kind === 'redis' ? ['--redis', await startOwnRedis()] : [];
  const daemon = await startImstateWith([HEAP], 'serve', '--port', '0', ...store);
  disposables.push(() => daemon.kill());
  const heavy = grpcClients(daemon.addr);
  const other = grpcClients(daemon.addr, undefined, { 'grpc.use_local_subchannel_pool': 1 });
  disposables.push(() => heavy.close());
  disposables.push(() => other.close());
  const apply = heavy.v1.apply();
  for (const userId of userIds) {
    const operations = Array.from({ length: DEVICES }, (_, i) => ({
      online: { userId, deviceId: `${DEVICE} ${i}`, serverAddr: SERVER },
    }));
    const { results } = await apply.send({ operations });
    expect(results.filter(({ error }) => error)).toEqual([]);
  }
  apply.end();
  await apply.ended;
  return { daemon, heavy, other };
}

/** Its own, so that the heavy requests do not hold up other tests, nor those the requests. */
async function startOwnRedis(): Promise<string> {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  return redis.url;
}

/** Probes repeatedly until the requests are answered; returns how many probes completed before them. */
async function answeredBefore(requests: Promise<unknown>[], probe: () => Promise<unknown>): Promise<number> {
  let isOver = false;
  void Promise.allSettled(requests).then(() => {
    isOver = true;
  });
  for (let answered = 0; ; answered++) {
    await probe();
    if (isOver) return answered;
  }
}

test.each(['embedded', 'redis'])(
  'serves other callers while one reads and replaces very much: %s',
  {
    timeout: 300_000,
  },
  async (kind) => {
    const { heavy, other } = await startLoaded(kind);
    const probe = (): Promise<unknown> =>
      other.v1.getUser({ userId: 'bob' }).catch((error: { code: number }) => {
        // On a busy machine, Redis may appear to be unavailable.
        if (error.code !== UNAVAILABLE) throw error;
        return probe();
      });
    await probe();

    const codeOf = ({ code }: { code: number }) => code;
    const singles = Array.from({ length: SINGLES }, (_, i) =>
      heavy.v1
        .getUser({ userId: userIds[i % USERS] as string })
        .then(({ devices }) => devices.length, codeOf),
    );
    // Each probe waits for a few batches of its shard, while other shards continue.
    expect(await answeredBefore(singles, probe)).toBeGreaterThanOrEqual(2);
    // Some may be rejected while earlier responses fill the connection.
    expect(await Promise.all(singles)).toContain(DEVICES);

    const batches = Array.from({ length: BATCHES }, () =>
      heavy.v1.batchGetUsers({ userIds }).then(() => 0, codeOf),
    );
    expect(await answeredBefore(batches, probe)).toBeGreaterThanOrEqual(PROBES);
    // They have too many devices for one response.
    expect(await Promise.all(batches)).toContain(RESOURCE_EXHAUSTED);

    const apply = heavy.v1.apply();
    const replaced = apply.send({
      operations: userIds.map((userId) => ({
        online: { userId, deviceId: 'the one', serverAddr: SERVER, loginPolicy: REPLACE_ALL },
      })),
    });
    expect(await answeredBefore([replaced], probe)).toBeGreaterThanOrEqual(PROBES);
    const { results } = await replaced;
    expect(results.filter(({ error }) => error)).toEqual([]);
    // Not all replaced sessions fit into a response.
    const endedBy = ({ online }: (typeof results)[number]) =>
      (online?.replaced.length ?? 0) + (online?.replacedOmitted ?? 0);
    expect(results.map(endedBy)).toEqual(userIds.map(() => DEVICES));
    expect(results.at(-1)?.online?.replacedOmitted).toBeGreaterThan(0);
    apply.end();
    await apply.ended;
  },
);
