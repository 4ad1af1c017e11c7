// The relay: how fast one process delivers to a webhook, and what other watches notice of a target that hangs.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect } from '../../packages/client/src/index.ts';
import { until } from '../../test/support/until.ts';
import { measureCpu } from '../cpu.ts';
import { Environment, type MeasuredProcess } from '../environment.ts';
import { quantile } from '../figures.ts';
import { definePart, logProgress, makeRow } from '../part.ts';
import { pin } from '../processes.ts';

const NAME = 'bench';
const USERS = 1_000;
/** How many logins are made at once. */
const AT_ONCE = 250;

/** See the part's `about`. */
export const relay = definePart({
  name: 'relay',
  about: 'events that a relay delivers to a webhook, and the latency of other watches beside one that hangs',
  options: {
    rounds: { short: 3, full: 7, about: 'rounds' },
    changes: { short: 10_000, full: 50_000, about: 'changes per round' },
    rate: { short: 200, full: 200, about: 'changes per second for the latency' },
    seconds: { short: 3, full: 5, about: 'duration of each latency measurement' },
  },
  run: (settings) =>
    Environment.with(async (environment) => {
      const redis = await environment.redis();
      const daemon = await environment.daemon({ redis: redis.url });
      const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
      environment.defer(async () => client.close());
      const receiver = await Receiver.start();
      environment.defer(async () => receiver.close());
      const process = startRelay(daemon, receiver.url);
      environment.defer(async () => process.kill('SIGKILL'));
      await until(async () => (await client.listRelays())[0]?.revision, 'the relay has begun');
      const login = logins(client);
      const figures = {
        rate: [] as number[],
        perCpu: [] as number[],
        hanging: [] as number[],
        usual: [] as number[],
      };
      await deliverAll(client, receiver, { login, process, changes: 5_000 });
      for (let round = 1; round <= Number(settings.rounds); round++) {
        logProgress(`relay: round ${round} of ${settings.rounds}`);
        const { events, seconds, cpu } = await deliverAll(client, receiver, {
          login,
          process,
          changes: Number(settings.changes),
        });
        figures.rate.push(events / seconds);
        figures.perCpu.push(events / (cpu[0] as number));
        const load = { login, rate: Number(settings.rate), seconds: Number(settings.seconds) };
        figures.usual.push(await latency(client, load));
        receiver.isHanging = true;
        // More than the relay reads ahead: it holds the changes back in the daemon.
        for (let made = 0; made < 5_000; made += AT_ONCE)
          await Promise.all(Array.from({ length: AT_ONCE }, login));
        figures.hanging.push(await latency(client, load));
        receiver.isHanging = false;
        receiver.release();
        await until(async () => (await client.listRelays())[0]?.lagChanges === 0, 'the relay has caught up');
      }
      return [
        makeRow({
          row: 'events to a local webhook',
          unit: 'events/s',
          values: figures.rate,
          goal: { figure: 'value', atLeast: 5_000 },
        }),
        makeRow({
          row: 'events to a local webhook',
          unit: 'events/CPU s of the relay',
          values: figures.perCpu,
          goal: { figure: 'value', atLeast: 5_000 },
        }),
        makeRow({
          row: `delivery to another watch while the target hangs, ${settings.rate} changes/s, p99`,
          unit: 'ms',
          values: figures.hanging,
          reference: { name: 'while it answers', values: figures.usual },
        }),
      ];
    }),
});

/** A webhook that counts the events of sessions. */
class Receiver {
  sessions = 0;
  isHanging = false;
  readonly #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const events: { type: string }[] = JSON.parse(Buffer.concat(parts).toString());
      const answer = () => {
        this.sessions += events.filter(({ type }) => type.startsWith('presence.session.')).length;
        response.writeHead(204).end();
      };
      if (this.isHanging) this.#waiting.push(answer);
      else answer();
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  release(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function startRelay(daemon: MeasuredProcess, url: string): ChildProcess {
  const flags = [
    '--name',
    NAME,
    '--to',
    url,
    '--allow-private',
    '--endpoint',
    daemon.addr,
    '--to-timeout',
    '10m',
  ];
  const child = spawn(process.execPath, ['bin/run.js', 'relay', 'run', ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  pin(child.pid as number, '0');
  return child;
}

/** Logs in one of the users with a new session; resolves with its ID. */
function logins(client: Client): () => Promise<string> {
  let count = 0;
  return async () => {
    count += 1;
    const sessionId = `s-${count}`;
    await client.online({
      userId: `user-${count % USERS}`,
      deviceId: 'phone',
      serverAddr: '10.0.0.1:9000',
      sessionId,
    });
    return sessionId;
  };
}

/** Makes changes while the relay is paused, and measures how long it takes to deliver them. */
async function deliverAll(
  client: Client,
  receiver: Receiver,
  { login, process, changes }: { login: () => Promise<string>; process: ChildProcess; changes: number },
) {
  await client.pauseRelay(NAME);
  const before = receiver.sessions;
  for (let made = 0; made < changes; made += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, login));
  const events = Math.ceil(changes / AT_ONCE) * AT_ONCE;
  const cost = await measureCpu([[process.pid as number]], async () => {
    await client.resumeRelay(NAME);
    await until(() => receiver.sessions - before >= events, 'all events are delivered');
  });
  return { events, ...cost };
}

/** From the response to a login until another watch has its change, p99. Milliseconds. */
async function latency(
  client: Client,
  { login, rate, seconds }: { login: () => Promise<string>; rate: number; seconds: number },
): Promise<number> {
  const watch = client.watch({ everything: true, initialState: false });
  const arrived = new Map<string, number>();
  let isSynced = false;
  const reading = (async () => {
    for await (const event of watch) {
      isSynced ||= event.type === 'synced';
      if (event.type === 'change' && event.session) arrived.set(event.session.sessionId, performance.now());
    }
  })();
  await until(() => isSynced, 'the watch is synced');
  const answered = new Map<string, number>();
  const begin = performance.now();
  const calls: Promise<void>[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    const due = begin + (i * 1_000) / rate;
    if (due > performance.now()) await delay(due - performance.now());
    calls.push(login().then((sessionId) => void answered.set(sessionId, performance.now())));
  }
  await Promise.all(calls);
  await until(
    () => [...answered.keys()].every((sessionId) => arrived.has(sessionId)),
    'all changes have arrived',
  );
  watch.close();
  await reading;
  const delays = [...answered].map(([sessionId, at]) => Math.max(0, (arrived.get(sessionId) as number) - at));
  return quantile(delays, 0.99);
}
