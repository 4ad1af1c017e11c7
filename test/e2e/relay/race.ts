import { randomUUID } from 'node:crypto';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { disposables } from '../../support/disposables.ts';
import { type Imstate, type ImstateProcess, spawnImstate, startImstate } from '../../support/imstate.ts';
import { freePort, startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';
import { type ReceivedEvent, WebhookReceiver } from './receiver.ts';

const NAME = 'race';
const USERS = 100;
/** How many events one request has at most. */
const BATCH = 500;

/** How large a race is. */
export interface RaceOptions {
  changes: number;
  log(line: string): void;
}

/** What came of it. */
export interface RaceReport {
  /** Changes that were made. */
  changes: number;
  /** Different events of sessions that were received. */
  received: number;
  /** Users whose events are not exactly their changes, in order. */
  wrongUsers: string[];
  /** Events that were received more than once. */
  duplicates: number;
  /** How often another process took over. */
  takeovers: number;
}

/**
 * Makes changes while processes of a relay are killed, the target fails and daemons restart, and compares what a
 * webhook receives with what was made.
 */
export async function race({ changes, log }: RaceOptions): Promise<RaceReport> {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const ports = [await freePort(), await freePort()];
  const endpoints = ports.map((port) => `127.0.0.1:${port}`);
  const daemons = await Promise.all(ports.map((port) => startDaemon(redis.url, port)));
  disposables.push(() => Promise.all(daemons.map((daemon) => daemon.kill())));
  const receiver = await WebhookReceiver.start();
  disposables.push(() => receiver.close());
  const client = await connect({ endpoints, timeoutMs: 60_000 });
  disposables.push(() => client.close());
  const relays = [startRelay(endpoints, receiver.url), startRelay(endpoints, receiver.url)];
  disposables.push(() => {
    for (const relay of relays) relay.signal('SIGKILL');
  });
  await until(async () => (await client.listRelays())[0]?.revision, 'the relay has begun');

  const made = new Map<string, string[]>();
  const sessions = () => new Set(ofSessions(receiver.events).map(({ id }) => id)).size;
  let takeovers = 0;
  const faults: (() => Promise<void>)[] = [
    async () => {
      receiver.isDown = true;
    },
    async () => {
      receiver.isDown = false;
    },
    async () => {
      // Of the two, the one that delivers: its process ID is in the name of the holder.
      const holder = (await client.listRelays())[0]?.holder ?? '';
      const at = relays.findIndex(({ pid }) => holder.endsWith(`:${pid}`));
      if (at < 0) return;
      relays[at]?.signal('SIGKILL');
      relays[at] = startRelay(endpoints, receiver.url);
      takeovers += 1;
    },
    async () => {
      const [daemon, port] = [daemons.shift() as Imstate, ports.shift() as number];
      daemon.signal('SIGTERM');
      await daemon.ended;
      await daemon.kill();
      daemons.push(await startDaemon(redis.url, port));
      ports.push(port);
    },
  ];
  const steps = 12;
  for (let step = 0; step < steps; step++) {
    const fault = faults[step % faults.length] as () => Promise<void>;
    const before = countOf(made);
    const [count] = await Promise.all([change(client, made, Math.ceil(changes / steps)), fault()]);
    // The next fault comes while the changes of this step are on their way.
    if (!receiver.isDown) await until(() => sessions() >= before, 'the relay has recovered');
    log(`step ${step + 1} of ${steps}: ${count} changes, ${receiver.events.length} events received`);
  }
  const expected = countOf(made);
  await until(() => sessions() >= expected, 'all events are received');
  return {
    changes: expected,
    received: sessions(),
    wrongUsers: wrongUsers(made, receiver.events),
    duplicates: receiver.events.length - receiver.distinct,
    takeovers,
  };
}

/** How many events may be received twice. */
export function maxDuplicates({ takeovers }: RaceReport): number {
  // Also each request that was in flight when the target failed or a daemon went away.
  return (takeovers + 6) * BATCH;
}

function startDaemon(redis: string, port: number): Promise<Imstate> {
  return startImstate('serve', '--redis', redis, '--port', `${port}`, '--change-limit', '1000000');
}

function startRelay(endpoints: string[], url: string): ImstateProcess {
  const flags = ['--name', NAME, '--to', url, '--allow-private', '--endpoint', endpoints.join(',')];
  return spawnImstate(['relay', 'run', ...flags], { IMSTATE_TIMEOUT: '10s' });
}

/** Logs users in, each of them again and again on one device; keeps the sessions of each in `made`. */
async function change(client: Client, made: Map<string, string[]>, count: number): Promise<number> {
  const perUser = Math.ceil(count / USERS);
  const users = Array.from({ length: USERS }, (_, i) => `user-${i}`);
  await Promise.all(
    users.map(async (userId) => {
      const sessions = made.get(userId) ?? [];
      made.set(userId, sessions);
      for (let i = 0; i < perUser; i++) {
        const sessionId = randomUUID();
        await login(client, userId, sessionId);
        sessions.push(sessionId);
      }
    }),
  );
  return perUser * USERS;
}

/** Until a daemon answers: a login with the same session ID changes nothing a second time. */
async function login(client: Client, userId: string, sessionId: string): Promise<void> {
  for (;;) {
    try {
      await client.online({ userId, deviceId: 'phone', sessionId, serverAddr: '10.0.0.1:9000' });
      return;
    } catch (error) {
      if ((error as { code?: string }).code === 'INVALID_ARGUMENT') throw error;
    }
  }
}

function countOf(made: ReadonlyMap<string, string[]>): number {
  return [...made.values()].reduce((sum, { length }) => sum + length, 0);
}

function ofSessions(events: ReceivedEvent[]): ReceivedEvent[] {
  return events.filter(({ type }) => type.startsWith('presence.session.'));
}

/** Of repeated events the first counts: later ones come after a takeover. */
function wrongUsers(made: Map<string, string[]>, events: ReceivedEvent[]): string[] {
  const seen = new Set<string>();
  const received = new Map<string, string[]>();
  for (const { id, subject = '', data } of ofSessions(events)) {
    if (seen.has(id)) continue;
    seen.add(id);
    const sessions = received.get(subject) ?? [];
    received.set(subject, sessions);
    sessions.push(data.session?.sessionId ?? '');
  }
  return [...made]
    .filter(([userId, sessions]) => sessions.join() !== received.get(userId)?.join())
    .map(([userId]) => userId);
}
