import { rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ConnectOptions, connect } from '../../../packages/client/src/index.ts';
import {
  AUDIENCE,
  ISSUER,
  Issuer,
  keysFile,
  scratchDirectory,
  TokenFile,
} from '../../support/credentials.ts';
import { Delivered } from '../../support/delivered.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';

const SERVER = '10.0.0.1:9000';
const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };

async function start() {
  const file = await TokenFile.make();
  return { file, daemon: await startDaemon({ auth: { tokens: file.path } }) };
}

async function clientOf(addr: string, options: ConnectOptions) {
  const client = await connect({ endpoints: [addr], timeoutMs: 30_000, ...options });
  disposables.push(() => client.close());
  return client;
}

test('a client with a token may do what its role may', async () => {
  const { file, daemon } = await start();
  const reader = await clientOf(daemon.addr, { token: file.tokens.reader });
  const admin = await clientOf(daemon.addr, { token: file.tokens.admin });
  await admin.online(LOGIN);
  expect(await reader.getUser({ userId: 'alice' })).toMatchObject({ online: true });
  await expect(reader.online(LOGIN)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  await expect(reader.evict({ userId: 'alice' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  expect(await admin.evict({ userId: 'alice' })).toMatchObject({ evicted: 1 });
  const nobody = await clientOf(daemon.addr, {});
  await expect(nobody.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(nobody.getStats()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('a chat server with a wrong token fails at once', async () => {
  const { file, daemon } = await start();
  for (const [token, code] of [
    ['imstate_wrong', 'UNAUTHENTICATED'],
    [file.tokens.reader, 'PERMISSION_DENIED'],
  ]) {
    const client = await clientOf(daemon.addr, { token });
    const server = client.server({ addr: SERVER });
    await expect(server.ready).rejects.toMatchObject({ code });
  }
});

test('calls, a watch and a lease continue with the next token in the file', async () => {
  const { file, daemon } = await start();
  const tokenFile = join(await scratchDirectory(), 'token');
  await writeFile(tokenFile, `${file.tokens.writer}\n`);
  const client = await clientOf(daemon.addr, { tokenFile });
  const delivered = new Delivered(client.watch({ everything: true }));
  const server = client.server({ addr: SERVER });
  await server.ready;
  await delivered.has(1, 'synced');

  await writeFile(tokenFile, await file.add('next', 'writer'));
  await file.remove('writer');
  await delivered.has(1, 'disconnected');
  await delivered.has(1, 'reconnected');
  await server.online({ userId: 'bob', deviceId: 'phone' });
  await until(() => delivered.sessionsOf('bob').length === 1, 'the watch delivers the later change');
  expect(await client.getUser({ userId: 'bob' })).toMatchObject({ online: true });
});

test('a watch whose token was revoked ends', async () => {
  const { file, daemon } = await start();
  const client = await clientOf(daemon.addr, { token: file.tokens.reader });
  const delivered = new Delivered(client.watch({ everything: true }));
  await delivered.has(1, 'synced');
  await file.remove('reader');
  expect(await delivered.ended).toMatchObject({ code: 'UNAUTHENTICATED' });
});

/** Longer than the client keeps a stream of operations. */
const STREAM_MS = 6_000;

test('no operation is lost when a JWT is replaced', { timeout: 120_000 }, async () => {
  const issuer = await Issuer.make();
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: await keysFile(issuer) };
  const daemon = await startDaemon({ auth: { jwt } });
  const tokenFile = join(await scratchDirectory(), 'token');
  const sign = (exp: number) =>
    issuer.sign({ imstate_role: 'writer', exp: Math.floor(Date.now() / 1_000) + exp });
  const hasExpired = () => daemon.logged.some((line) => line.includes('has expired'));
  const logIn = async () => {
    // Three of the five seconds by which clocks may differ are left.
    await writeFile(tokenFile, await sign(-2));
    const client = await clientOf(daemon.addr, { tokenFile });
    const isLoggedIn = await client.online(LOGIN).then(
      () => true,
      () => false,
    );
    await writeFile(tokenFile, await sign(3_600));
    return isLoggedIn && client;
  };
  // On a busy machine the first JWT may expire before the login, or the stream end before the JWT expires.
  await until(async () => {
    const client = await logIn();
    if (!client) return false;
    const endAt = performance.now() + STREAM_MS;
    for (let i = 0; !hasExpired() && performance.now() < endAt; i++) {
      await client.online({ ...LOGIN, sessionId: `s-${i}` });
    }
    await client.online({ ...LOGIN, sessionId: 's-last' });
    return hasExpired();
  }, 'a JWT expires while its stream is in use');
});

test('the previous token is used after its file is deleted', async () => {
  const { file, daemon } = await start();
  const tokenFile = join(await scratchDirectory(), 'token');
  await writeFile(tokenFile, file.tokens.reader as string);
  const client = await clientOf(daemon.addr, { tokenFile });
  await rm(tokenFile);
  const until = performance.now() + 1_500;
  while (performance.now() < until) await client.getStats();
});

test.each([
  [{ tokenFile: '/nowhere/token' }, 'AUTH_FILE_UNUSABLE', 'cannot be read'],
  [{ token: 'two words' }, 'WRONG_USAGE', 'a single word'],
  [{ token: 'a', tokenFile: 'b' }, 'WRONG_USAGE', 'set one of them'],
])('%j is rejected before any call', async (options, code, message) => {
  await expect(connect({ endpoints: ['127.0.0.1:1'], ...options })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test('a token is sent to another machine in plain text only if that is allowed', async () => {
  const { file } = await start();
  const ip = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  const elsewhere = ip ?? '192.0.2.1';
  const careful = await clientOf(`${elsewhere}:8080`, { token: file.tokens.reader });
  const refusal = {
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining(`not sent in plain text to ${elsewhere}:8080`),
  };
  await expect(careful.getUser({ userId: 'alice' })).rejects.toMatchObject(refusal);
  await expect(careful.getStats()).rejects.toMatchObject(refusal);
  await expect(careful.server({ addr: SERVER }).ready).rejects.toMatchObject(refusal);
  expect(await new Delivered(careful.watch({ everything: true })).ended).toMatchObject(refusal);
  if (ip === undefined) return;
  const daemon = await startDaemon({ addr: ip, auth: { tokens: file.path } });
  const bold = await clientOf(daemon.addr, { token: file.tokens.reader, plaintextToken: true });
  expect(await bold.getUser({ userId: 'alice' })).toMatchObject({ online: false });
});

test.each(['127.evil.example', 'localhost.evil.example', '127.1', 'localhost.'])(
  'a token does not go in plain text to %s',
  async (host) => {
    const client = await clientOf(`${host}:8080`, { token: 'imstate_secret' });
    await expect(client.getStats()).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining(`not sent in plain text to ${host}:8080`),
    });
  },
);
