import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, test } from 'vitest';
import { Authority } from '../../support/authority.ts';
import { startCluster } from '../../support/cluster.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { redisWith } from '../../support/doctor.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { legacyRecord, startLegacyServer } from '../../support/legacyServer.ts';
import { runCli } from '../../support/runCli.ts';
import { startTlsRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

let url: string;
let redis: Redis;
let daemon: TestDaemon;

beforeEach(async () => {
  ({ url } = await redisWith());
  redis = new Redis(url);
  disposables.push(() => redis.disconnect());
  daemon = await startDaemon();
});

/** Runs the import, and returns its output lines as objects. */
async function run(...args: string[]) {
  const { stdout, stderr, exitCode } = await runCli([
    ...['import', 'legacy', '--json', '--endpoint', daemon.addr],
    ...args,
  ]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { lines, summary: lines.find(({ type }) => type === 'summary'), stderr, exitCode };
}

/** Makes these logins on the legacy server through gRPC. */
async function goServer(): Promise<ReturnType<typeof grpcClients>['pb']> {
  const server = await startLegacyServer(url);
  const clients = grpcClients(server.addr);
  disposables.push(() => {
    clients.close();
    server.stop();
  });
  return clients.pb;
}

async function devicesOf(userId: string) {
  const clients = grpcClients(daemon.addr);
  try {
    return (await clients.v1.getUser({ userId })).devices;
  } finally {
    clients.close();
  }
}

async function imstate(...args: string[]): Promise<void> {
  expect(await runCli([...args, '--endpoint', daemon.addr])).toMatchObject({ exitCode: 0 });
}

describe('import legacy', () => {
  test('counts devices in a dry run, and logs in online devices with --apply', async () => {
    const go = await goServer();
    const ServerAddr = '10.0.0.1:9000';
    await go.online({ UserID: 'alice', DeviceID: 'phone', ServerAddr });
    await go.online({ UserID: 'alice', DeviceID: 'tablet', ServerAddr });
    await go.online({ UserID: 'bob', DeviceID: 'desk', ServerAddr: '10.0.0.2:9000' });
    await go.offline({ UserID: 'bob', DeviceID: 'desk' });
    await go.offline({ UserID: 'nobody', DeviceID: 'unknown' });
    await redis.hset('session:1', 'cart', '3');
    await redis.set('phone-of-somebody', 'text');
    const loginTime = Number(await redis.hget('phone', 'LoginTime'));

    const counts = { keys: 5, online: 2, offline: 2, invalid: 0, other: 1 };
    const dry = await run('--redis', url);
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.lines).toEqual([
      { type: 'summary', applied: false, complete: true, ...counts, imported: 0, unchanged: 0 },
    ]);
    expect(await devicesOf('alice')).toEqual([]);

    const applied = await run('--redis', url, '--apply');
    expect(applied.lines).toEqual([
      { type: 'summary', applied: true, complete: true, ...counts, imported: 2, unchanged: 0 },
    ]);
    const devices = await devicesOf('alice');
    expect(devices.map(({ deviceId }) => deviceId).sort()).toEqual(['phone', 'tablet']);
    const phone = devices.find(({ deviceId }) => deviceId === 'phone');
    expect(phone).toMatchObject({ online: true, serverAddr: ServerAddr });
    expect(Number(phone?.loginTime?.seconds)).toBe(loginTime);
    expect(await devicesOf('bob')).toEqual([]);
    expect(await redis.hgetall('phone')).toMatchObject({ Status: '1', UserID: 'alice' });
  });

  test('can be repeated, and keeps later changes of the daemons', async () => {
    const go = await goServer();
    const login = (DeviceID: string) => go.online({ UserID: 'alice', DeviceID, ServerAddr: '10.0.0.1:9000' });
    for (const device of ['stays', 'leaves', 'moves']) await login(device);
    // The login time of the legacy server has a resolution of seconds: later logins must differ.
    const now = Math.floor(Date.now() / 1_000) - 10;
    for (const device of ['stays', 'leaves', 'moves']) await redis.hset(device, 'LoginTime', now);
    expect((await run('--redis', url, '--apply')).summary).toMatchObject({ imported: 3, unchanged: 0 });
    await imstate('offline', 'alice', 'leaves');
    await imstate('online', 'alice', 'moves', '--server-addr', '10.0.0.9:9000', '--session', 'own');
    const [before] = (await devicesOf('alice')).filter(({ deviceId }) => deviceId === 'stays');
    expect((await run('--redis', url, '--apply')).summary).toMatchObject({ imported: 1, unchanged: 2 });
    const after = await devicesOf('alice');
    const shown = after.map(({ deviceId, online, sessionId }) => [deviceId, online, sessionId]).sort();
    expect(shown).toEqual([
      ['leaves', false, expect.stringMatching(/^legacy-/)],
      ['moves', true, 'own'],
      ['stays', true, before?.sessionId],
    ]);
  });

  test('reports and counts invalid records, and imports the others', async () => {
    const put = (key: string | Buffer, record: object) => redis.hset(key, record);
    const good = (DeviceID: string, more: object = {}) => ({
      ...legacyRecord({ UserID: 'alice', DeviceID, ServerAddr: '10.0.0.1:9000' }),
      ...more,
    });
    const long = 'd'.repeat(257);
    await put('good', good('good'));
    await put('bom\ufeff', good('bom\ufeff'));
    await put('no-user', good('no-user', { UserID: '' }));
    await put('', good(''));
    await put('no-server', good('no-server', { ServerAddr: '' }));
    await put(long, good(long));
    await put('new\nline', good('new\nline'));
    await put('other-key', good('not-the-key'));
    await put('status', good('status', { Status: 'yes' }));
    await put('time', good('time', { LoginTime: 'yesterday' }));
    await put(Buffer.from([0xff]), { ...good('x'), DeviceID: Buffer.from([0xff]) });
    const rules: Record<string, RegExp> = {
      'no-user': /UserID must not be empty/,
      '': /DeviceID must not be empty/,
      'no-server': /ServerAddr must not be empty/,
      [long]: /DeviceID must be at most 256 bytes of UTF-8; this one has 257/,
      'new\nline': /DeviceID must not contain control characters; this one has U\+000A/,
      'other-key': /DeviceID must be the key of the hash/,
      status: /Status must be 0 or 1/,
      time: /LoginTime must be a time in seconds since 1970/,
      '\ufffd': /DeviceID must be UTF-8/,
    };
    for (const apply of [[], ['--apply']]) {
      const { lines, summary, exitCode } = await run('--redis', url, ...apply);
      const problems = lines.filter(({ type }) => type === 'problem');
      expect(problems.map(({ key }) => key).sort()).toEqual(Object.keys(rules).sort());
      for (const { key, error } of problems) {
        expect(error).toEqual({
          code: 'INVALID_ARGUMENT',
          message: expect.stringMatching(rules[key] as RegExp),
          field: expect.any(String),
        });
      }
      expect(summary).toMatchObject({ keys: 11, online: 2, invalid: 9, imported: apply.length * 2 });
      expect(exitCode).toBe(2);
    }
    expect((await devicesOf('alice')).map(({ deviceId }) => deviceId).sort()).toEqual(['bom\ufeff', 'good']);
  });

  test('prints the same as text on stdout, without control characters', async () => {
    await redis.hset(
      'a\u001b[2Jb',
      legacyRecord({ UserID: 'u', DeviceID: 'a\u001b[2Jb', ServerAddr: 'a:1' }),
    );
    await redis.hset('good', legacyRecord({ UserID: 'u', DeviceID: 'good', ServerAddr: 'a:1' }));
    const { stdout, stderr, exitCode } = await runCli(['import', 'legacy', '--redis', url]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 2 });
    expect(stdout).toContain('not imported: "a\\u001b[2Jb": DeviceID must not contain control characters');
    expect(stdout).toMatch(/^online +1, which --apply logs in: this was a dry run$/m);
    expect(stdout).not.toContain('\u001b');
  });

  test('accepts chat server names other than HOST:PORT, as pb.UserStatus does', async () => {
    for (const [DeviceID, ServerAddr] of [
      ['a', 'chat-1'],
      ['b', 'ws://chat-1.example.com:9000/ws?x=1'],
      ['c', ':8080'],
    ] as const)
      await redis.hset(DeviceID, legacyRecord({ UserID: 'alice', DeviceID, ServerAddr }));
    expect((await run('--redis', url, '--apply')).summary).toMatchObject({ imported: 3, invalid: 0 });
    const names = (await devicesOf('alice')).map(({ serverAddr }) => serverAddr).sort();
    expect(names).toEqual([':8080', 'chat-1', 'ws://chat-1.example.com:9000/ws?x=1']);
    expect((await run('--redis', url, '--apply')).summary).toMatchObject({ imported: 3, unchanged: 0 });
  });

  test('never logs in at a legacy server', async () => {
    await redis.hset('phone', legacyRecord({ UserID: 'alice', DeviceID: 'phone', ServerAddr: 'a:1' }));
    const server = await startLegacyServer(url);
    disposables.push(() => server.stop());
    const alone = await runCli([
      'import',
      'legacy',
      '--redis',
      url,
      '--apply',
      '--json',
      '--endpoint',
      server.addr,
    ]);
    expect(alone.exitCode).toBe(1);
    expect(alone.stdout).toContain('"code":"UNIMPLEMENTED"');
    expect(server.answered).toBe(0);
  });

  test('reads all masters of a Redis Cluster, with the URL in a file', async () => {
    const cluster = await startCluster(3);
    disposables.push(() => cluster.stop());
    const { Cluster } = await import('ioredis');
    const nodes = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
    disposables.push(() => nodes.disconnect());
    const devices = Array.from({ length: 300 }, (_, i) => `device-${i}`);
    await Promise.all(
      devices.map((DeviceID) =>
        nodes.hset(DeviceID, legacyRecord({ UserID: `u${DeviceID}`, DeviceID, ServerAddr: 'a:1' })),
      ),
    );
    const file = join(await scratchDirectory(), 'url');
    await writeFile(file, `${cluster.url}\n`, { mode: 0o600 });
    const { summary, exitCode } = await run('--redis-url-file', file, '--apply');
    expect(summary).toMatchObject({ keys: 300, online: 300, imported: 300, complete: true });
    expect(exitCode).toBe(0);
    await cluster.nodes[2]?.kill();
    const broken = await run('--redis', cluster.url);
    expect(broken.exitCode).toBe(3);
    expect(broken.lines.at(-1)).toMatchObject({ error: { code: 'STORE_UNAVAILABLE' } });
  });

  test('reads a Redis with TLS that requires a certificate', async () => {
    const authority = await Authority.make();
    const pair = await authority.issue();
    const tlsRedis = await startTlsRedis({ ca: authority.file, ...pair });
    disposables.push(() => tlsRedis.stop());
    const files = { ca: authority.file, cert: pair.cert, key: pair.key };
    const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) => readFileSync(file));
    const filler = new Redis(tlsRedis.port, '127.0.0.1', { tls: { ca, cert, key } });
    disposables.push(() => filler.disconnect());
    await filler.hset('phone', legacyRecord({ UserID: 'alice', DeviceID: 'phone', ServerAddr: 'a:1' }));
    const tls = Object.entries(files).flatMap(([name, file]) => [`--redis-tls-${name}`, file]);
    expect((await run('--redis', tlsRedis.url, ...tls, '--apply')).summary).toMatchObject({ imported: 1 });
    const without = await run('--redis', tlsRedis.url);
    expect(without.lines.at(-1)).toMatchObject({ error: { code: 'TLS_FAILED' } });
  });

  test('Ctrl-C completes calls in flight and prints the counts; the next run imports the rest', async () => {
    const { records } = await fill(8_000);
    const args = ['import', 'legacy', '--redis', url, '--endpoint', daemon.addr, '--json', '--apply'];
    const process = spawnImstate(args);
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    await until(async () => (await clients.v1.getStats()).devicesOnline > 0, 'the import has begun');
    process.signal('SIGINT');
    expect(await process.ended).toBe(130);
    const summary = JSON.parse(process.stdout().trim().split('\n').at(-1) as string);
    expect(summary).toMatchObject({ type: 'summary', complete: false, applied: true });
    expect(summary.imported).toBeLessThan(records);
    expect((await clients.v1.getStats()).devicesOnline).toBe(summary.imported);
    expect((await run('--redis', url, '--apply')).summary).toMatchObject({
      imported: records,
      complete: true,
    });
    expect((await clients.v1.getStats()).devicesOnline).toBe(records);
  });

  test('exits with 3 and the counts so far if the daemon does not respond', async () => {
    await fill(3_000);
    await daemon.stop();
    const { lines, exitCode } = await run('--redis', url, '--apply', '--timeout', '1s');
    expect(exitCode).toBe(3);
    expect(lines).toMatchObject([
      { type: 'summary', complete: false, imported: 0 },
      { error: { code: 'UNAVAILABLE' } },
    ]);
  });

  test('names the flag for a missing Redis URL', async () => {
    const { lines, exitCode } = await run();
    expect(exitCode).toBe(2);
    expect(lines.at(-1).error.message).toMatch(/--redis or --redis-url-file/);
  });

  async function fill(records: number): Promise<{ records: number }> {
    const pipeline = redis.pipeline();
    for (let i = 0; i < records; i++) {
      const [UserID, DeviceID] = [`u${i}`, `d${i}`];
      pipeline.hset(DeviceID, legacyRecord({ UserID, DeviceID, ServerAddr: '10.0.0.1:9000' }));
    }
    await pipeline.exec();
    return { records };
  }
});
