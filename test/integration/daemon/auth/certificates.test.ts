import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../../../packages/client/src/index.ts';
import { Authority, type Pair } from '../../../support/authority.ts';
import { scratchDirectory, TokenFile } from '../../../support/credentials.ts';
import type { TestDaemon } from '../../../support/daemon.ts';
import { Delivered } from '../../../support/delivered.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { until } from '../../../support/until.ts';

const SERVER = '10.0.0.1:9000';
const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };

async function start(...lines: object[]) {
  const authority = await Authority.make();
  const file = join(await scratchDirectory(), 'certificates.ndjson');
  const list = (...entries: object[]) =>
    writeFile(file, entries.map((entry) => JSON.stringify(entry)).join('\n'));
  await list(...lines);
  const tokens = await TokenFile.make();
  const daemon = await startDaemon({
    tls: { ...(await authority.issue()), ca: authority.file },
    auth: { certificates: file, tokens: tokens.path },
  });
  const clientOf = async (pair: Pair, token?: string) => {
    const client = await connect({
      endpoints: [daemon.addr],
      timeoutMs: 30_000,
      token,
      tls: { ...pair, ca: authority.file },
    });
    disposables.push(() => client.close());
    return client;
  };
  return { authority, daemon, list, clientOf, tokens: tokens.tokens };
}

test('gives a client certificate the role that the file lists for one of its names', async () => {
  const { authority, clientOf } = await start(
    { cn: 'support', role: 'admin' },
    { dns: 'chat-1.example', role: 'writer', servers: [SERVER] },
    { uri: 'spiffe://example/desk', role: 'reader' },
    { email: 'ops@example.com', role: 'writer' },
  );
  const certificateOf = (subject: string, ...names: string[]) => authority.issue({ subject, names });
  const support = await clientOf(await certificateOf('support', 'DNS:nobody'));
  const chat = await clientOf(await certificateOf('anybody', 'DNS:other.example', 'DNS:chat-1.example'));
  const desk = await clientOf(await certificateOf('anybody', 'URI:spiffe://example/desk'));
  const ops = await clientOf(await certificateOf('anybody', 'email:ops@example.com'));

  await chat.online(LOGIN);
  await expect(chat.online({ ...LOGIN, serverAddr: 'x:1' })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining('to which the client certificate DNS:chat-1.example is bound'),
  });
  expect(await desk.getUser({ userId: 'alice' })).toMatchObject({ online: true });
  await expect(desk.offline(LOGIN)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  expect(await ops.offline({ userId: 'alice', deviceId: 'phone' })).toEqual({ applied: true });
  await expect(ops.evict({ userId: 'alice' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  expect(await support.evict({ userId: 'alice' })).toMatchObject({ evicted: 0 });
});

test('accepts a token on a connection whose certificate is not listed', async () => {
  const { authority, clientOf, tokens } = await start(
    { cn: 'support', role: 'admin' },
    { dns: 'admin.example', role: 'admin' },
  );
  // A name of another type, and one that looks like two: in its own section, openssl copies it literally.
  const names = ['@more\n[more]\nDNS.1=support\nURI.1=urn:a, DNS:admin.example'];
  const pair = await authority.issue({ subject: 'stranger', names });
  await expect((await clientOf(pair)).getStats()).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    message: expect.stringContaining('(CN:stranger, DNS:support, URI:urn:a, DNS:admin.example) has no role'),
  });
  await (await clientOf(pair, tokens.reader)).getStats();
  const wrong = await clientOf(await authority.issue({ subject: 'support' }), 'imstate_wrong');
  await expect(wrong.getStats()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});

test('applies changes of the file to calls and streams', async () => {
  const { authority, daemon, clientOf, list } = await start({ cn: 'chat', role: 'writer' });
  const client = await clientOf(await authority.issue({ subject: 'chat' }));
  const delivered = new Delivered(client.watch({ everything: true }));
  await client.online(LOGIN);
  await delivered.has(1, 'synced');
  await list({ cn: 'chat', role: 'reader' });
  await delivered.has(1, 'reconnected');
  await expect(client.online(LOGIN)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  await list({ cn: 'other', role: 'reader' });
  expect(await delivered.ended).toMatchObject({ code: 'PERMISSION_DENIED' });
  await expectLogged(daemon, 'no longer has a role');
});

async function expectLogged(daemon: TestDaemon, text: string): Promise<void> {
  await until(() => daemon.logged.some((line) => line.includes(text)), `"${text}" is logged`);
}
