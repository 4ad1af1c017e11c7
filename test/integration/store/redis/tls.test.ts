import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { type ImstateError, messageOf } from '../../../../packages/client/src/shared/errors.ts';
import type { TlsFiles } from '../../../../packages/client/src/tls/names.ts';
import { STORE_DEFAULTS } from '../../../../src/presence/defaults.ts';
import { RedisStore } from '../../../../src/store/redis/RedisStore.ts';
import { Authority } from '../../../support/authority.ts';
import { clientOf, disposables, startDaemon } from '../../../support/disposables.ts';
import { startRedis, startTlsRedis, type TestServer } from '../../../support/servers.ts';
import { until } from '../../../support/until.ts';

/** The permissions of the daemon's user in docs/tls.md. */
const [, ACL = ''] =
  /^ACL SETUSER imstate on >PASSWORD (.+)$/m.exec(readFileSync('docs/tls.md', 'utf8')) ?? [];

async function untilTheEnd<Server extends TestServer>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  disposables.push(() => server.stop());
  return server;
}

/** The error of opening a store there. */
async function refusal(url: string, tls?: TlsFiles): Promise<{ code: string; message: string }> {
  const options = { url, tls, shards: undefined, ...STORE_DEFAULTS };
  const store = new RedisStore(options);
  const error = await store.open().catch((thrown: ImstateError) => thrown);
  await store.close();
  return { code: (error as ImstateError).code, message: messageOf(error) };
}

test('serves on a Redis with TLS, with a client certificate and a user of minimal permissions', async () => {
  const authority = await Authority.make();
  const server = { ca: authority.file, ...(await authority.issue({ subject: 'redis' })) };
  const user = ['--user', 'imstate', 'on', '>secret', ...ACL.split(' '), '--user', 'default', 'off'];
  const redis = await untilTheEnd(startTlsRedis(server, ...user));
  const daemon = await startDaemon({
    redis: redis.url.replace('//', '//imstate:secret@'),
    redisTls: { ca: authority.file, ...(await authority.issue({ subject: 'imstate' })) },
    keyPrefix: 'im:',
  });
  expect(daemon.store).toBe(`${redis.url}/0`);
  const client = await clientOf(daemon.addr);
  const watch = client.watch({ users: ['alice'] });
  disposables.push(() => watch.close());
  const events = watch[Symbol.asyncIterator]();
  await events.next();
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  expect(await client.getUsers(['alice'])).toMatchObject([{ online: true }]);
  expect(await client.listSessions()).toMatchObject({ sessions: [{ userId: 'alice' }] });
  expect(await client.getStats()).toMatchObject({ usersOnline: 1 });
  expect(await client.evict({ userId: 'alice' })).toMatchObject({ evicted: 1 });
  expect(await client.listHistory({ userId: 'alice' })).toMatchObject({ entries: [{ reason: 'EVICTED' }] });
  await until(async () => (await events.next()).value?.type === 'change', 'the watch receives the change');
  expect(daemon.logged.join()).not.toContain('NOPERM');
});

test('presents the current certificate of the file after a reconnect', async () => {
  const [authority, next] = [await Authority.make(), await Authority.make('next')];
  const server = { ca: authority.file, ...(await authority.issue({ subject: 'redis' })) };
  const trusted = join(authority.folder, 'trusted.pem');
  await copyFile(authority.file, trusted);
  const redis = await untilTheEnd(startTlsRedis({ ...server, ca: trusted }));
  const [old, renewed] = [await authority.issue(), await next.issue()];
  const pair = { cert: join(authority.folder, 'own.pem'), key: join(authority.folder, 'own.key') };
  const show = async ({ cert, key }: typeof pair) => {
    await copyFile(cert, pair.cert);
    await copyFile(key, pair.key);
  };
  await show(old);
  const daemon = await startDaemon({ redis: redis.url, redisTls: { ca: authority.file, ...pair } });
  const client = await clientOf(daemon.addr);
  await client.getStats();

  await redis.kill();
  await copyFile(next.file, trusted);
  await show(renewed);
  await redis.restart();
  await until(() => client.getStats().catch(() => undefined), 'Redis is available again');
});

test('explains TLS errors in one sentence with the remedy', async () => {
  const authority = await Authority.make();
  const issued = await authority.issue({ subject: 'redis', names: ['IP:127.0.0.1'] });
  const redis = await untilTheEnd(startTlsRedis({ ca: authority.file, ...issued }));
  const open = await untilTheEnd(
    startTlsRedis({ ca: authority.file, ...issued }, '--tls-auth-clients', 'no'),
  );
  const plain = await untilTheEnd(startRedis());
  const own = { ca: authority.file, ...(await authority.issue()) };

  expect(await refusal(open.url)).toEqual({
    code: 'TLS_FAILED',
    message: expect.stringMatching(
      /^Redis at \S+ has a certificate of a CA that is not trusted here \(.*\): .* with --redis-tls-ca$/,
    ),
  });
  expect(await refusal(open.url.replace('127.0.0.1', 'localhost'), { ca: authority.file })).toEqual({
    code: 'TLS_FAILED',
    message: expect.stringMatching(
      /another name .*: name it in --redis by a host that the certificate is for$/,
    ),
  });
  // Depends on whether the connection is reset before the error of Redis is read.
  expect((await refusal(redis.url, { ca: authority.file })).message).toMatch(
    /(refused the TLS handshake|cannot be used) .* give .*--redis-tls-cert/,
  );
  expect(await refusal(plain.url.replace('redis:', 'rediss:'), own)).toEqual({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/cannot be used .*, or write redis:\/\/ instead of rediss:\/\//),
  });
  expect(await refusal(redis.url.replace('rediss:', 'redis:'))).toEqual({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringMatching(/write rediss:\/\/ if it speaks TLS/),
  });
  expect(() => new RedisStore({ url: inject('redisUrl'), tls: own, shards: 1, ...STORE_DEFAULTS })).toThrow(
    'need a rediss:// URL',
  );
});
