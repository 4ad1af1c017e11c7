import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ClientReadableStream,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { describe, expect, inject, test } from 'vitest';
import { grpcClients } from '../support/daemon.ts';
import { disposables } from '../support/disposables.ts';
import { runImstate, spawnImstate, spawnLimited, startImstate } from '../support/imstate.ts';
import { freePort, NOBODY, startEtcd, temporaryDirectory } from '../support/servers.ts';
import { until } from '../support/until.ts';

async function serve(...args: string[]) {
  const daemon = await startImstate('serve', ...args);
  disposables.push(() => daemon.kill());
  return daemon;
}

describe('the command line', () => {
  test('runs no code from the data directory', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const plugin = join(folder.path, 'node_modules/other');
    await mkdir(plugin, { recursive: true });
    const oclif = { plugins: [{ name: 'other', type: 'user', tag: 'latest' }] };
    await writeFile(
      join(folder.path, 'package.json'),
      JSON.stringify({ name: 'folder', version: '1.0.0', oclif }),
    );
    const manifest = { name: 'other', version: '1.0.0', oclif: { hooks: { init: './init.js' } } };
    await writeFile(join(plugin, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(plugin, 'init.js'), "module.exports = async () => console.log('other code runs');");
    const { stdout, exitCode } = await runImstate(['stats'], { IMSTATE_DATA_DIR: folder.path });
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 3 });
  });

  test('fails in one line for an invalid data directory and for an extra argument', async () => {
    const [broken, tooMany] = await Promise.all([
      runImstate(['stats', '--timeout', 'soon'], { IMSTATE_DATA_DIR: '/dev/null/x' }),
      runImstate(['sessions', '10.0.0.1:9000', '--json']),
    ]);
    expect(broken).toMatchObject({
      stderr: expect.stringMatching(/^Error: --timeout [^\n]+\n$/),
      exitCode: 2,
    });
    const message = 'sessions takes flags and no arguments; --help shows how';
    expect(JSON.parse(tooMany.stdout)).toEqual({ error: { code: 'WRONG_USAGE', message } });
    expect(tooMany).toMatchObject({ stderr: '', exitCode: 2 });
  });
});

describe('imstate serve', () => {
  test('prints aligned lines for address, store, registry and service', async () => {
    const daemon = await serve('--port', '0');
    const { stdout } = await runImstate(['endpoints', '--data-dir', daemon.dataDir, '--json']);
    const [endpoint] = JSON.parse(stdout).endpoints;
    expect(endpoint.storeId).toMatch(/^\w{8}/);
    expect(daemon.stdout()).toBe(
      [
        `address   ${daemon.addr}`,
        `store     embedded, ${daemon.dataDir}, identity ${endpoint.storeId.slice(0, 8)}`,
        `registry  embedded, ${daemon.dataDir}`,
        'service   im/state-server\n',
      ].join('\n'),
    );
    expect(daemon.addr).not.toMatch(/:0$/);
  });

  test('--json prints one object when ready, also if set by an environment variable', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const env = { IMSTATE_PORT: '0', IMSTATE_DATA_DIR: folder.path, IMSTATE_JSON: '1' };
    const daemon = spawnImstate(['serve'], env);
    await until(() => daemon.stdout().endsWith('}\n'), 'the daemon is ready');
    const printed = JSON.parse(daemon.stdout());
    expect(printed).toEqual({
      addr: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      advertised: printed.addr,
      pid: daemon.pid,
      store: `embedded, ${folder.path}`,
      registry: `embedded, ${folder.path}`,
      storeId: expect.stringMatching(/^\w{8}/),
      service: 'im/state-server',
      config: null,
      http: null,
      tls: null,
      auth: [],
      warnings: [],
    });
    const { stdout } = await runImstate(['endpoints'], env);
    expect(JSON.parse(stdout)).toMatchObject({ endpoints: [{ addr: printed.addr, health: 'SERVING' }] });
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toBe(0);
    expect(JSON.parse(daemon.stdout())).toEqual(printed);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s drains and deregisters it, with exit code 0',
    async (name) => {
      const daemon = await serve('--port', '0');
      daemon.signal(name);
      expect(await daemon.ended).toBe(0);
      const { stdout } = await runImstate(['endpoints', '--data-dir', daemon.dataDir, '--json']);
      expect(JSON.parse(stdout)).toEqual({ service: 'im/state-server', endpoints: [] });
    },
  );

  test('a signal ends it while it waits for Redis', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const redis = `redis://127.0.0.1:${await freePort()}`;
    const waiting = spawnImstate([
      ...['serve', '--port', '0', '--redis', redis, '--start-timeout', '1h', '--data-dir', folder.path],
    ]);
    await until(() => waiting.stderr().includes('start delayed: retrying'), 'the daemon waits for Redis');
    waiting.signal('SIGTERM');
    expect(await waiting.ended).toBe(0);
    expect(waiting.stderr()).toContain('stopped before it was ready');
    expect(waiting.stdout()).toBe('');
  });

  test('drains despite an open health watch', async () => {
    const daemon = await serve('--port', '0');
    const watch = await holdWatch(daemon.addr);
    disposables.push(watch.close);
    daemon.signal('SIGINT');
    expect(await daemon.ended).toBe(0);
    expect(daemon.stderr()).not.toContain('were cut');
    await until(watch.isOver, 'the watch has ended');
  });

  test('a second signal stops it immediately', async () => {
    const etcd = await startEtcd();
    disposables.push(() => etcd.stop());
    const config = ['--redis', inject('redisUrl'), '--key-prefix', `test-${randomUUID()}:`];
    const daemon = await serve('--port', '0', ...config, '--etcd', etcd.host);
    // etcd is frozen, so that the deregistration lasts until its deadline.
    etcd.freeze();
    daemon.signal('SIGINT');
    await until(() => daemon.stderr().includes('stopping'), 'the daemon drains');
    daemon.signal('SIGINT');
    expect(await daemon.ended).toBe(130);
  });

  test('prints one sentence and exits with the documented code when the start fails', async () => {
    const daemon = await serve('--port', '0');
    const port = daemon.addr.split(':')[1] as string;
    const inUse = await runImstate(['serve', '--port', port, '--data-dir', `${daemon.dataDir}/other`]);
    expect(inUse.stderr).toBe(
      `Error: 127.0.0.1:${port} is in use by another program: stop it, or choose another --port (0 picks a free one)\n`,
    );
    expect(inUse.exitCode).toBe(3);
    const folder = await runImstate(['serve', '--port', '0', '--data-dir', daemon.dataDir, '--json']);
    expect(JSON.parse(folder.stdout)).toMatchObject({ error: { code: 'DATA_FOLDER_IN_USE' } });
    expect(folder.exitCode).toBe(3);
    const noRedis = `redis://${NOBODY}`;
    const away = await runImstate(['serve', '--port', '0', '--redis', noRedis, '--start-timeout', '10s']);
    expect(away.stderr).toContain('start delayed: retrying');
    expect(away.exitCode).toBe(3);
  });
});

test('commands do not read standard input, so that shell loops over users work', async () => {
  const daemon = await serve('--port', '0');
  const bin = new URL('../../bin/run.js', import.meta.url).pathname;
  const script = `printf 'ann\\nbob\\ncid\\n' | while read -r user; do "$0" "$1" query "$user" --endpoint "$2"; done`;
  const child = spawn('bash', ['-c', script, process.execPath, bin, daemon.addr], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  expect(stdout).toBe('ann is offline\nbob is offline\ncid is offline\n');
});

describe('a full disk', () => {
  test('rejects changes, keeps the data, and does not end the daemon', async () => {
    const folder = await temporaryDirectory();
    disposables.push(() => folder.remove());
    const started = spawnLimited(['serve', '--port', '0', '--data-dir', folder.path, '--json'], 200);
    disposables.push(() => started.signal('SIGKILL'));
    await until(() => started.stdout().endsWith('}\n'), 'the daemon is ready');
    const { v1, close } = grpcClients(JSON.parse(started.stdout()).addr);
    disposables.push(close);
    let failure: unknown;
    let last = '';
    for (let i = 0; failure === undefined && i < 5_000; i++) {
      const userId = `user-${i}-${'x'.repeat(200)}`;
      failure = await v1.online({ userId, deviceId: 'phone', serverAddr: 'a:1' }).then(
        () => undefined,
        (error) => error,
      );
      if (failure === undefined) last = userId;
    }
    expect(failure).toMatchObject({
      code: 14,
      details: expect.stringMatching(/cannot be written.*nothing was changed/s),
    });
    expect(await v1.getUser({ userId: last })).toMatchObject({ online: true });
    started.signal('SIGTERM');
    expect(await started.ended).toBe(0);
  });
});

describe('kill -9', () => {
  test('loses no acknowledged change, and leaves a usable data directory', async () => {
    const first = await serve('--port', '0');
    const { v1, close } = grpcClients(first.addr);
    const acknowledged: string[] = [];
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let i = 0; ; i++) {
        const userId = `user-${writer}-${i}`;
        await v1.online({ userId, deviceId: 'phone', serverAddr: 'a:1' });
        acknowledged.push(userId);
      }
    });
    void Promise.allSettled(writers);
    await until(() => acknowledged.length > 500, 'many logins are acknowledged');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    close();
    const second = await startImstate('serve', '--port', '0', '--data-dir', first.dataDir);
    disposables.push(() => second.kill());
    const after = grpcClients(second.addr);
    for (const userId of acknowledged)
      expect(await after.v1.getUser({ userId })).toMatchObject({ online: true });
    after.close();
  });

  test('removes the entry of a killed daemon within the lease, while queries succeed', async () => {
    const config = [
      '--redis',
      inject('redisUrl'),
      '--key-prefix',
      `test-${randomUUID()}:`,
      '--lease-ttl',
      '2s',
    ];
    const registry = ['--etcd', inject('etcdHost'), '--service', `test/${randomUUID()}`];
    const [first, second] = [
      await serve('--port', '0', ...config, ...registry),
      await serve('--port', '0', ...config, ...registry),
    ];
    const through = (daemon: typeof first) => ['--endpoint', daemon.addr];
    await runImstate(['online', 'alice', 'phone', '--server-addr', '10.0.0.1:9000', ...through(first)]);
    const answer = await runImstate(['query', 'alice', '--json', ...through(second)]);
    expect(JSON.parse(answer.stdout)).toMatchObject({
      online: true,
      devices: [{ serverAddr: '10.0.0.1:9000' }],
    });

    const listed = async () => {
      const { stdout } = await runImstate(['endpoints', '--json', ...registry]);
      return JSON.parse(stdout).endpoints.map(({ addr }: { addr: string }) => addr);
    };
    expect(await listed()).toEqual([first.addr, second.addr].sort());
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    expect((await runImstate(['query', 'alice', ...registry])).exitCode).toBe(0);
    await until(async () => (await listed()).join() === second.addr, 'the entry is gone');
    expect((await runImstate(['query', 'alice', ...registry])).exitCode).toBe(0);
  });
});

/** Holds a health watch open. */
async function holdWatch(addr: string): Promise<{ isOver(): boolean; close(): void }> {
  const types = loadPackageDefinition(loadSync(protoPath));
  const health = ['grpc', 'health', 'v1', 'Health'].reduce<unknown>(
    (at, name) => (at as GrpcObject)[name],
    types,
  );
  const client = new (health as ServiceClientConstructor)(addr, credentials.createInsecure());
  const watch = client.Watch as (request: object) => ClientReadableStream<object>;
  const stream = watch.call(client, { service: '' });
  let isOver = false;
  stream.on('error', () => {
    isOver = true;
  });
  await new Promise((resolve) => stream.once('data', resolve));
  return { isOver: () => isOver, close: () => client.close() };
}
