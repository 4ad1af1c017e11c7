import { credentials } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { grpcClients, WatchStream } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { startImstate } from '../support/imstate.ts';
import { scrape, sumOf } from '../support/metrics.ts';
import { until } from '../support/until.ts';

const WATCHES = 300;
const WATCHES_PER_CONNECTION = 100;
const USERS = 50;
const LOGINS_PER_USER = 20;
const LOGINS = USERS * LOGINS_PER_USER;

/** A client on a separate connection, so that its unread streams do not delay calls of others. */
function connectionTo(addr: string) {
  const { PresenceService } = loadProtos().types.imstate.v1;
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new PresenceService(addr, credentials.createInsecure(), options);
  disposables.push(() => client.close());
  return client;
}

async function openPausedWatches(addr: string): Promise<WatchStream[]> {
  const watches: WatchStream[] = [];
  for (let i = 0; i < WATCHES; i += WATCHES_PER_CONNECTION) {
    const client = connectionTo(addr);
    for (let k = 0; k < WATCHES_PER_CONNECTION; k++)
      watches.push(new WatchStream(client.Watch(), { everything: true }));
  }
  await until(() => watches.every(({ syncs }) => syncs > 0), 'all watches are synced');
  for (const watch of watches) watch.pause();
  return watches;
}

/** The sessions of each user that a watch received, in order. */
function sessionsOf({ changes }: WatchStream): Map<string, string[]> {
  const sessions = new Map<string, string[]>();
  for (const { userId, session } of changes)
    sessions.set(userId, [...(sessions.get(userId) ?? []), session?.sessionId ?? '']);
  return sessions;
}

test('answers logins before hundreds of watches receive their changes, each once and in order', {
  timeout: 180_000,
}, async () => {
  const daemon = await startImstate('serve', '--port', '0', '--http-port', '0');
  disposables.push(() => daemon.kill());
  const http = /^http\s+(\S+)/m.exec(daemon.stdout())?.[1];
  const clients = grpcClients(daemon.addr);
  disposables.push(() => clients.close());
  const watches = await openPausedWatches(daemon.addr);

  for (let i = 0; i < LOGINS_PER_USER; i++) {
    const logins = Array.from({ length: USERS }, (_, user) => ({
      userId: `user-${user}`.padEnd(100, 'x'),
      deviceId: 'phone',
      serverAddr: '10.0.0.1:9000',
      sessionId: `s-${i}`,
    }));
    await Promise.all(logins.map((login) => clients.v1.online(login)));
  }
  // All logins are answered before their changes are delivered.
  const waiting = async () => sumOf(await scrape(http), 'imstate_watch_events_waiting');
  expect(await waiting()).toBeGreaterThan(0);

  for (const watch of watches) watch.resume();
  await until(() => watches.every(({ changes }) => changes.length >= LOGINS), 'each watch has every change');
  const inOrder = Array.from({ length: LOGINS_PER_USER }, (_, i) => `s-${i}`);
  for (const watch of watches) {
    const sessions = sessionsOf(watch);
    expect(sessions.size).toBe(USERS);
    for (const each of sessions.values()) expect(each).toEqual(inOrder);
  }
  expect(await waiting()).toBe(0);
  expect(sumOf(await scrape(http), 'imstate_watch_events_dropped_total')).toBe(0);
  for (const watch of watches) watch.cancel();
  const isEmpty = async () => sumOf(await scrape(http), 'imstate_watch_backlog_bytes') === 0;
  await until(isEmpty, 'nothing is kept for ended watches');
});
