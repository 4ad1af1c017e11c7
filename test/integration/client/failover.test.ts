import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http2';
import { Etcd3 } from 'etcd3';
import { describe, expect, inject, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { loadCodec } from '../../../packages/client/src/wire/codec.ts';
import { startTestDaemon } from '../../support/daemon.ts';
import { disposables } from '../../support/disposables.ts';
import { type Imstate, startImstate } from '../../support/imstate.ts';
import { startProxy } from '../../support/proxy.ts';
import { frame } from '../../support/rawGrpc.ts';
import { freePort, startEtcd, temporaryDirectory } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

/** The configuration that daemons and clients of one test share. */
function shared() {
  const flags = { redis: inject('redisUrl'), etcd: inject('etcdHost'), service: `test/${randomUUID()}` };
  return { ...flags, keyPrefix: `test-${randomUUID()}:` };
}

async function startDaemonProcess({
  redis,
  etcd,
  service,
  keyPrefix,
}: ReturnType<typeof shared>): Promise<Imstate> {
  const daemon = await startImstate(
    'serve',
    '--port',
    '0',
    '--redis',
    redis,
    '--etcd',
    etcd,
    '--service',
    service,
    '--key-prefix',
    keyPrefix,
    '--lease-ttl',
    '2s',
  );
  disposables.push(() => daemon.kill());
  return daemon;
}

describe('a client on etcd', () => {
  test('kill -9 of one of three daemons during queries: none fails', async () => {
    const config = shared();
    const daemons = await Promise.all([1, 2, 3].map(() => startDaemonProcess(config)));
    const client = await connect({ etcd: config.etcd, service: config.service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });

    let asked = 0;
    let goOn = true;
    const failures: unknown[] = [];
    const stream = async () => {
      while (goOn) {
        asked += 1;
        const user = await client
          .getUser({ userId: 'alice' }, { timeoutMs: 30_000 })
          .catch((error) => failures.push(error));
        if (typeof user === 'object' && !user.online) failures.push(user);
      }
    };
    const streams = Array.from({ length: 8 }, stream);
    const after = (count: number) => until(() => asked >= count, `${count} queries were made`);
    await after(200);
    await daemons[0]?.kill();
    await after(600);
    await daemons[1]?.kill();
    await after(1_000);
    goOn = false;
    await Promise.all(streams);
    expect(failures).toEqual([]);
  });

  test('calls go round robin to all daemons, including one that starts later', async () => {
    const config = shared();
    const first = await startTestDaemon(config);
    disposables.push(() => first.remove());
    const client = await connect({ etcd: config.etcd, service: config.service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    await client.getUser({ userId: 'alice' });
    const second = await startTestDaemon(config);
    disposables.push(() => second.remove());
    const bad = () => client.getUser({ userId: '' }).catch(() => {});
    const refused = (daemon: typeof first) => daemon.logged.filter((line) => line.includes('user_id')).length;
    await until(async () => {
      await bad();
      return refused(first) > 0 && refused(second) > 0;
    }, 'both daemons were called');
  });

  test('without a registered daemon a call fails at once, and succeeds when one has started', async () => {
    const config = shared();
    const client = await connect({ etcd: config.etcd, service: config.service, timeoutMs: 600_000 });
    disposables.push(() => client.close());
    const nobody = { code: 'NO_ENDPOINT', message: expect.stringContaining(config.service) };
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(nobody);
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(nobody);
    const daemon = await startTestDaemon(config);
    disposables.push(() => daemon.remove());
    await until(() => client.getUser({ userId: 'alice' }).catch(() => false), 'the daemon is found');
  });

  test('while etcd is unavailable the last endpoints are used', async () => {
    const etcd = await startEtcd();
    disposables.push(() => etcd.stop());
    const proxy = await startProxy(etcd.port);
    disposables.push(() => proxy.close());
    const config = { ...shared(), etcd: `127.0.0.1:${proxy.port}` };
    const daemon = await startTestDaemon(config);
    disposables.push(() => daemon.remove());
    const client = await connect({ etcd: config.etcd, service: config.service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    await client.getUser({ userId: 'alice' });
    proxy.cut();
    await etcd.kill();
    for (let i = 0; i < 50; i++) await client.getUser({ userId: 'alice' });
    await etcd.restart({ wipe: true });
    proxy.heal();
    for (let i = 0; i < 50; i++) await client.getUser({ userId: 'alice' });
  });

  test('without etcd a call fails at once with the reason', async () => {
    const client = await connect({ etcd: `127.0.0.1:${await freePort()}`, timeoutMs: 600_000 });
    disposables.push(() => client.close());
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
  });
});

describe('a client with fixed endpoints', () => {
  test('without a listener a call fails at once', async () => {
    const addr = `127.0.0.1:${await freePort()}`;
    const client = await connect({ endpoints: [addr], timeoutMs: 600_000 });
    disposables.push(() => client.close());
    const nobody = { code: 'UNAVAILABLE', message: expect.stringContaining(addr) };
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(nobody);
  });

  test('a peer that accepts and stays silent: connecting has its own deadline', async () => {
    const daemon = await startTestDaemon();
    disposables.push(() => daemon.remove());
    const proxy = await startProxy(Number(daemon.addr.split(':')[1]));
    disposables.push(() => proxy.close());
    proxy.pause();
    const client = await connect({
      endpoints: [`127.0.0.1:${proxy.port}`],
      connectTimeoutMs: 100,
      timeoutMs: 600_000,
    });
    disposables.push(() => client.close());
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('no connection within 100 ms'),
    });
  });

  test('a daemon that freezes after connecting: the call has a deadline', async () => {
    const daemon = await startTestDaemon();
    disposables.push(() => daemon.remove());
    const proxy = await startProxy(Number(daemon.addr.split(':')[1]));
    disposables.push(() => proxy.close());
    const client = await connect({ endpoints: [`127.0.0.1:${proxy.port}`], timeoutMs: 30_000 });
    disposables.push(() => client.close());
    await client.getUser({ userId: 'alice' });
    proxy.pause();
    const late = client.getUser({ userId: 'alice' }, { timeoutMs: 200 });
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('a daemon that dies in the middle of a response: a read is repeated, a change is not', async () => {
    let calls = 0;
    const answer = loadCodec().writer('imstate.v1.ApplyResponse')({
      results: [{ getUser: { userId: 'alice' } }],
    });
    const server = createServer();
    server.on('stream', (stream) => {
      calls += 1;
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      if (calls % 2 === 1) setTimeout(() => stream.session?.destroy(), 50);
      else stream.end(frame(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    disposables.push(() => server.close());
    const { port } = server.address() as { port: number };
    const client = await connect({ endpoints: [`127.0.0.1:${port}`], timeoutMs: 30_000 });
    disposables.push(() => client.close());
    expect(await client.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    expect(calls).toBe(2);
    const logout = client.offline({ userId: 'alice', deviceId: 'phone' });
    const unsure = expect.stringContaining('may have been applied');
    await expect(logout).rejects.toMatchObject({ code: 'UNAVAILABLE', message: unsure });
    expect(calls).toBe(3);
  });

  test('a call can be cancelled', async () => {
    const daemon = await startTestDaemon();
    disposables.push(() => daemon.remove());
    const client = await connect({ endpoints: [daemon.addr] });
    disposables.push(() => client.close());
    const stop = new AbortController();
    const pending = client.getUser({ userId: 'alice' }, { signal: stop.signal });
    stop.abort(new Error('no longer needed'));
    await expect(pending).rejects.toThrow('no longer needed');
    await expect(client.getUser({ userId: 'alice' }, { signal: stop.signal })).rejects.toThrow(
      'no longer needed',
    );
  });
});

describe('a client that is misused', () => {
  test('a call after close is rejected, and nothing else happens', async () => {
    const client = await connect({ endpoints: [`127.0.0.1:${await freePort()}`], connectTimeoutMs: 50 });
    await client.close();
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.close();
  });

  test('an empty session ID is rejected, because it would end another session', async () => {
    const client = await connect({ endpoints: [`127.0.0.1:${await freePort()}`] });
    disposables.push(() => client.close());
    const refused = { code: 'INVALID_ARGUMENT' };
    await expect(client.offline({ userId: 'a', deviceId: 'd', sessionId: '' })).rejects.toMatchObject(
      refused,
    );
    const login = { userId: 'a', deviceId: 'd', serverAddr: 'a:1', sessionId: '' };
    await expect(client.online(login)).rejects.toMatchObject(refused);
  });

  test.each([Number.NaN, 0, -1, Number.POSITIVE_INFINITY])(
    'a timeout of %s is refused',
    async (timeoutMs) => {
      await expect(connect({ endpoints: ['127.0.0.1:1'], timeoutMs })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      const client = await connect({ endpoints: ['127.0.0.1:1'], timeoutMs: undefined });
      disposables.push(() => client.close());
      const call = client.getUser({ userId: 'alice' }, { timeoutMs });
      await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  test('a registry whose only entry cannot be dialled', async () => {
    const config = shared();
    const etcd = new Etcd3({ hosts: `http://${config.etcd}` });
    disposables.push(() => etcd.close());
    await etcd.put(`${config.service}/x`).value('{"Addr":"nowhere"}');
    const client = await connect({ etcd: config.etcd, service: config.service, timeoutMs: 30_000 });
    disposables.push(() => client.close());
    const unusable = { code: 'NO_ENDPOINT', message: expect.stringContaining('can be dialled') };
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(unusable);
  });

  test('the error names a frozen etcd', async () => {
    const etcd = await startEtcd();
    disposables.push(() => etcd.stop());
    etcd.freeze();
    const client = await connect({ etcd: etcd.host, connectTimeoutMs: 200 });
    disposables.push(() => client.close());
    const silent = { code: 'REGISTRY_UNAVAILABLE', message: expect.stringContaining(etcd.host) };
    await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject(silent);
  });
});

test('connect() requires a way to find daemons', async () => {
  await expect(connect({})).rejects.toMatchObject({ code: 'WRONG_USAGE' });
  await expect(connect({ endpoints: ['nowhere'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('the data directory leads to its daemon', async () => {
  const folder = await temporaryDirectory();
  disposables.push(() => folder.remove());
  const client = await connect({ dataDir: folder.path, timeoutMs: 30_000 });
  disposables.push(() => client.close());
  await expect(client.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 'NO_ENDPOINT' });
  const daemon = await startTestDaemon({ dataDir: folder.path });
  disposables.push(() => daemon.remove());
  await until(() => client.getUser({ userId: 'alice' }).catch(() => false), 'the daemon is found');
});
