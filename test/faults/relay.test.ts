import { expect, test } from 'vitest';
import type { Client } from '../../packages/client/src/index.ts';
import { Relay } from '../../src/relay/relay.ts';
import type { RelayEvent, RelayTarget } from '../../src/relay/target.ts';
import { clientOf, disposables, startDaemon } from '../support/disposables.ts';
import { startSentinels } from '../support/sentinels.ts';
import { until } from '../support/until.ts';

const USERS = Array.from({ length: 50 }, (_, i) => `user-${i}`);

/** What is online by the events, as docs/relay.md has a receiver keep it. */
class Presence implements RelayTarget {
  readonly description = 'a receiver';
  readonly maxEvents = 100;
  snapshots = 0;
  /** The session of each user's phone. */
  readonly #sessions = new Map<string, string>();
  /** Users with an event since the snapshots began; undefined outside of snapshots. */
  #seen: Set<string> | undefined;

  async deliver(events: readonly RelayEvent[]): Promise<void> {
    for (const event of events) this.#apply(event);
  }

  async close(): Promise<void> {}

  get state(): string[] {
    return [...this.#sessions].map(([userId, sessionId]) => `${userId} ${sessionId}`).sort();
  }

  #apply({ type, subject = '', data }: RelayEvent): void {
    const { session, devices = [] } = data as {
      session?: { sessionId: string } | null;
      devices?: { sessionId: string }[];
    };
    if (type === 'presence.snapshot.begun') this.#seen = new Set();
    else if (type === 'presence.snapshot.ended') this.#end();
    else if (type === 'presence.snapshot') this.#set(subject, devices[0]?.sessionId);
    else if (type.startsWith('presence.session.')) this.#set(subject, session?.sessionId);
  }

  #set(userId: string, sessionId: string | undefined): void {
    this.#seen?.add(userId);
    if (sessionId === undefined) this.#sessions.delete(userId);
    else this.#sessions.set(userId, sessionId);
  }

  #end(): void {
    for (const userId of this.#sessions.keys()) if (!this.#seen?.has(userId)) this.#sessions.delete(userId);
    this.#seen = undefined;
    this.snapshots += 1;
  }
}

/** Logs users in and out, until a daemon answers each time. */
async function change(client: Client, round: number): Promise<void> {
  await Promise.all(
    USERS.map(async (userId, i) => {
      const session = { userId, deviceId: 'phone', sessionId: `${userId}-${round}` };
      const make = () =>
        (i + round) % 3 === 0
          ? client.offline({ userId, deviceId: 'phone' })
          : client.online({ ...session, serverAddr: '10.0.0.1:9000' });
      await until(
        () =>
          make().then(
            () => true,
            () => false,
          ),
        `round ${round} of ${userId} is made`,
      );
    }),
  );
}

async function online(client: Client): Promise<string[]> {
  const { sessions } = await client.listSessions({ pageSize: 1_000 });
  return sessions.map(({ userId, device }) => `${userId} ${device.sessionId}`).sort();
}

test.each(['killed', 'frozen'])(
  'a receiver has the state of the store after its master was %s',
  async (how) => {
    const redis = await startSentinels();
    disposables.push(() => redis.stop());
    const daemons = await Promise.all(
      [1, 2].map(() => startDaemon({ redis: redis.url, keyPrefix: 'im:', waitReplicas: 1 })),
    );
    const client = await clientOf(...daemons.map(({ addr }) => addr));
    const receiver = new Presence();
    const stop = new AbortController();
    const relay = new Relay({
      name: 'billing',
      holder: 'test',
      client,
      target: receiver,
      filter: { userPrefix: undefined, servers: undefined, types: undefined },
      log: { info: () => {}, warn: () => {} },
    });
    const ended = relay.run(stop.signal);
    disposables.push(async () => {
      stop.abort();
      await ended;
    });
    await until(async () => (await client.listRelays())[0]?.revision, 'the relay has begun');
    for (let round = 0; round < 4; round++) await change(client, round);
    if (how === 'killed') await redis.master.kill();
    else redis.master.freeze();
    for (let round = 4; round < 12; round++) await change(client, round);
    const expected = await online(client);
    expect(expected.length).toBeGreaterThan(20);
    await until(
      async () => receiver.state.join() === (await online(client)).join(),
      'the receiver has the state',
    );
    expect(receiver.state).toEqual(expected);
  },
);
