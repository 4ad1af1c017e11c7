import { randomUUID } from 'node:crypto';
import { Etcd3 } from 'etcd3';
import { expect, inject, test } from 'vitest';
import { probeEndpoint } from '../../packages/client/src/connection/probe.ts';
import { Readiness } from '../../src/daemon/readiness.ts';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { ask } from '../support/http.ts';
import { spawnImstate, startImstate } from '../support/imstate.ts';
import { freePort } from '../support/servers.ts';
import { until } from '../support/until.ts';

async function serve(...args: string[]) {
  const daemon = await startImstate('serve', '--port', '0', ...args);
  disposables.push(() => daemon.kill());
  return daemon;
}

test('SIGTERM deregisters the daemon, which accepts calls until a second signal', async () => {
  const service = `test/${randomUUID()}`;
  const etcd = new Etcd3({ hosts: `http://${inject('etcdHost')}` });
  disposables.push(() => etcd.close());
  const shared = ['--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
  shared.push('--etcd', inject('etcdHost'), '--service', service);
  const daemon = await serve(...shared, '--http-port', '0', '--drain-delay', '10m');
  const http = /^http\s+(\S+)/m.exec(daemon.stdout())?.[1];
  const readyz = () => ask(`${http}/readyz`);
  expect(await readyz()).toMatchObject({ status: 200 });
  daemon.signal('SIGTERM');
  await until(
    () => daemon.stderr().includes('accepting calls until the drain delay is over'),
    'the drain delay has started',
  );

  expect(await readyz()).toMatchObject({ status: 503, text: 'not ready: the daemon is stopping\n' });
  expect(await etcd.get(`${service}/${daemon.addr}`).string()).toBeNull();
  expect((await probeEndpoint(daemon.addr, { timeoutMs: 30_000 })).health).toBe('NOT_SERVING');
  // Each call uses a new connection.
  for (let calls = 0; calls < 20; calls++) {
    const clients = grpcClients(daemon.addr);
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ userId: 'alice' });
    clients.close();
  }
  expect(await readyz()).toMatchObject({ status: 503 });

  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  expect(daemon.stderr()).toContain('drain delay skipped');
  expect(daemon.stderr()).toContain('stopped');
});

test('drains after the drain delay without a second signal', async () => {
  const daemon = await serve('--drain-delay', '1s');
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toBe(0);
  const order = ['accepting calls until the drain delay is over', '"msg":"stopped"'];
  const positions = order.map((text) => daemon.stderr().indexOf(text));
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(positions).not.toContain(-1);
});

test('SIGTERM during the start ends the daemon without a drain delay', async () => {
  const args = ['serve', '--port', '0', '--drain-delay', '10m', '--redis'];
  const starting = spawnImstate([...args, `redis://127.0.0.1:${await freePort()}`]);
  disposables.push(() => starting.signal('SIGKILL'));
  await until(() => starting.stderr().includes('Redis'), 'the daemon waits for Redis');
  starting.signal('SIGTERM');
  expect(await starting.ended).toBe(0);
  expect(starting.stderr()).toContain('stopped before it was ready');
});

test('does not make a stopping daemon healthy when its store responds again', () => {
  const readiness = new Readiness(50);
  const all = { shards: 2, unavailable: [], failure: undefined };
  readiness.noteHealth(all);
  expect(readiness.isServing).toBe(true);
  readiness.end();
  readiness.noteHealth({ ...all, unavailable: [0, 1] });
  readiness.noteHealth(all);
  expect(readiness.isServing).toBe(false);
});
