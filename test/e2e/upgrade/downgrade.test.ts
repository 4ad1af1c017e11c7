import { expect, test } from 'vitest';
import type { Client, OnlineRequest, WatchEvent } from '../../../packages/client/src/index.ts';
import { grpcClients } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import type { Imstate } from '../../support/imstate.ts';
import { until } from '../../support/until.ts';
import { stop, Versions } from './versions.ts';

/** A login with every optional field but those of a resync. */
const FULL_LOGIN: Required<Omit<OnlineRequest, 'userId' | 'deviceId' | 'sessionId' | 'loginTime'>> = {
  serverAddr: '10.0.0.1:9000',
  platform: 'ios',
  ttlMs: 3_600_000,
  metadata: { app: 'chat', 语言: '中文' },
  policy: 'KEEP_ALL',
  serverIncarnation: 7,
  clientIp: '203.0.113.7',
  label: "Anna's phone",
  appVersion: '4.2.1',
};
const { clientIp, label, appVersion } = FULL_LOGIN;
const DETAILS = { clientIp, label, appVersion };
const NO_DETAILS = { clientIp: undefined, label: undefined, appVersion: undefined };
/** The same without metadata, which have a position of their own in the record. */
const { metadata: _, ...BARE_LOGIN } = FULL_LOGIN;

const LOGINS = { full: FULL_LOGIN, bare: BARE_LOGIN };
type Kind = keyof typeof LOGINS;
const KINDS = ['full', 'bare'] as const;

/** What happens to a session under the other version. */
const FATES = ['kept', 'renewed', 'refreshed', 'graced', 'ended', 'evicted', 'replaced'] as const;
type Fate = (typeof FATES)[number];

const CASES = KINDS.flatMap((kind) => FATES.map((fate) => ({ kind, fate, userId: `${kind}-${fate}` })));

const deviceId = 'phone';
const refOf = (userId: string) => ({ userId, deviceId, sessionId: `of-${userId}` });

async function logInAll(client: Client): Promise<void> {
  for (const { kind, userId } of CASES) await client.online({ ...LOGINS[kind], ...refOf(userId) });
}

/** Does to each session what its name says. */
async function meetFates(client: Client): Promise<void> {
  for (const { kind, fate, userId } of CASES) await meetFate(client, kind, fate, userId);
}

async function meetFate(client: Client, kind: Kind, fate: Fate, userId: string): Promise<void> {
  const ref = refOf(userId);
  switch (fate) {
    case 'kept':
      return;
    case 'renewed':
      expect((await client.heartbeat([ref])).ended).toEqual([]);
      return;
    case 'refreshed':
      expect((await client.online({ ...LOGINS[kind], ...ref, platform: 'web' })).endReason).toBeUndefined();
      return;
    case 'graced':
      expect(await client.offline({ ...ref, graceMs: 3_600_000 })).toEqual({ applied: true });
      return;
    case 'ended':
      expect(await client.offline(ref)).toEqual({ applied: true });
      return;
    case 'evicted':
      expect((await client.evict({ session: ref })).evicted).toBe(1);
      return;
    case 'replaced': {
      const { replaced } = await client.online({ ...LOGINS[kind], ...ref, sessionId: `new-${userId}` });
      expect(replaced).toMatchObject([{ sessionId: ref.sessionId, reason: 'REPLACED' }]);
    }
  }
}

/** Which sessions have details for readers. The first version knows none. */
type HasDetails = (met: Fate) => boolean;
const nobody: HasDetails = () => false;
const everybody: HasDetails = () => true;
const isLoggedIn = (met: Fate) => met === 'refreshed' || met === 'replaced';

/** What readers see of each session before and after its fate. */
async function expectAll(client: Client, isMet: boolean, hasDetails: HasDetails): Promise<void> {
  for (const { kind, fate, userId } of CASES) {
    const met = isMet ? fate : 'kept';
    const { devices } = await client.getUser({ userId, explain: true });
    const isOver = met === 'ended' || met === 'evicted';
    expect(devices, userId).toMatchObject([
      {
        online: !isOver,
        sessionId: met === 'replaced' ? `new-${userId}` : `of-${userId}`,
        serverAddr: '10.0.0.1:9000',
        platform: met === 'refreshed' ? 'web' : 'ios',
        metadata: kind === 'full' ? FULL_LOGIN.metadata : {},
        ...(hasDetails(met) ? DETAILS : NO_DETAILS),
        reason: met === 'ended' ? 'LOGOUT' : met === 'evicted' ? 'EVICTED' : undefined,
        explanation: isOver
          ? { ttlMs: undefined, forgetTime: expect.any(Date) }
          : {
              ttlMs: 3_600_000,
              graceEndTime: met === 'graced' ? expect.any(Date) : undefined,
              lease: { incarnation: 7 },
            },
      },
    ]);
    expect(Object.keys(devices[0]?.metadata ?? {})).toHaveLength(kind === 'full' ? 2 : 0);
    const { entries } = await client.listHistory({ userId });
    const reasons = { ended: ['LOGOUT'], evicted: ['EVICTED'], replaced: [undefined, 'REPLACED'] };
    expect(
      entries.map(({ reason }) => reason),
      userId,
    ).toEqual(reasons[met as keyof typeof reasons] ?? [undefined]);
  }
}

/** The changes after a revision. */
async function changesAfter(client: Client, resumeRevision: string, count: number): Promise<string[]> {
  const watch = client.watch({ everything: true, resumeRevision });
  disposables.push(() => watch.close());
  const found: string[] = [];
  for await (const event of watch) {
    expect(event.type).not.toBe('lost');
    if (event.type === 'change') found.push(`${event.userId} ${event.ended?.reason ?? 'online'}`);
    if (found.length >= count) break;
  }
  return found.sort();
}

async function firstRevision(client: Client): Promise<string> {
  for await (const event of client.watch({ everything: true }) as AsyncIterable<WatchEvent>)
    if (event.type === 'synced') return event.revision;
  throw new Error('the watch has ended');
}

/** A lease of the chat server that needs no renewal during the test. */
async function keepLease({ addr }: Imstate): Promise<void> {
  const grpc = grpcClients(addr);
  const stream = grpc.v1.keepServerAlive();
  const lease = { serverAddr: FULL_LOGIN.serverAddr, incarnation: 7, timeToLive: { seconds: 3_600 } };
  const { resyncToken } = await stream.send(lease);
  await stream.send({ ...lease, resynced: resyncToken });
  stream.cancel();
  grpc.close();
}

const CHANGES = CASES.flatMap(({ userId, fate }) => {
  const ends = { refreshed: 'online', ended: 'LOGOUT', evicted: 'EVICTED', replaced: 'REPLACED' };
  const end = ends[fate as keyof typeof ends];
  return end === undefined ? [`${userId} online`] : [`${userId} online`, `${userId} ${end}`];
});

test.each([
  [
    'the first version reads and changes what this one wrote',
    'startNew',
    'startOld',
    // A login without details replaces those of the session.
    { written: everybody, read: nobody, met: nobody, after: (met: Fate) => !isLoggedIn(met) },
  ],
  [
    'this version reads and changes what the first one wrote',
    'startOld',
    'startNew',
    { written: nobody, read: nobody, met: isLoggedIn, after: nobody },
  ],
] as const)(
  '%s',
  async (_name, startWriter, startChanger, has) => {
    const versions = new Versions();
    // A store of the first version: one that this version creates has the newest level.
    await stop(await versions.startOld());
    expect(await versions.storedLevel()).toBe('1');
    const client = await versions.client();

    const writer = await versions[startWriter]();
    await until(() => client.getStats().catch(() => undefined), 'the client has found the daemon');
    await keepLease(writer);
    const revision = await firstRevision(client);
    await logInAll(client);
    await expectAll(client, false, has.written);
    await stop(writer);

    const changer = await versions[startChanger]();
    await until(() => client.getStats().catch(() => undefined), 'the client has found the other version');
    await expectAll(client, false, has.read);
    await meetFates(client);
    await expectAll(client, true, has.met);
    expect(await changesAfter(client, revision, CHANGES.length)).toEqual([...CHANGES].sort());
    await stop(changer);

    const reader = await versions[startWriter]();
    await until(
      () => client.getStats().catch(() => undefined),
      'the client has found the first daemon again',
    );
    await expectAll(client, true, has.after);
    expect(await changesAfter(client, revision, CHANGES.length)).toEqual([...CHANGES].sort());
    await stop(reader);
    expect(await versions.storedLevel()).toBe('1');
  },
  180_000,
);
