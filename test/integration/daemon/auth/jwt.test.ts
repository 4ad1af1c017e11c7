import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { AUDIENCE, ISSUER, Issuer, keysFile, keysOf } from '../../../support/credentials.ts';
import { grpcClients } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { failedStart } from '../../../support/failedStart.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { until } from '../../../support/until.ts';

const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;
const SERVER = '10.0.0.1:9000';

const optionsOf = (jwks: string) => ({ auth: { jwt: { issuer: ISSUER, audience: AUDIENCE, jwks } } });

function apiOf(addr: string, token: string) {
  const clients = grpcClients(addr, token);
  disposables.push(() => clients.close());
  return clients.v1;
}

/** The error of a call with the JWT; undefined if it succeeds. */
async function failureOf(addr: string, jwt: string): Promise<{ code: number; details: string } | undefined> {
  return apiOf(addr, jwt)
    .getStats()
    .then(
      () => undefined,
      (error) => error,
    );
}

test('ends a watch when its JWT expires', async () => {
  const issuer = await Issuer.make();
  const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
  // Two of the five seconds of clock tolerance are left.
  const v1 = apiOf(addr, await issuer.sign({ exp: Math.floor(Date.now() / 1_000) - 3 }));
  const watch = v1.watch({ everything: true });
  expect(await watch.ended).toMatchObject({
    code: UNAUTHENTICATED,
    details: 'the JWT of "somebody" has expired: get a new one',
  });
  await expect(v1.getStats()).rejects.toMatchObject({ code: UNAUTHENTICATED });
});

test('reads role and bound chat servers from the claims of a JWT', async () => {
  const issuer = await Issuer.make();
  const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
  const login = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };
  const bound = await issuer.sign({ imstate_role: 'writer', imstate_servers: [SERVER] });
  await apiOf(addr, bound).online(login);
  await expect(apiOf(addr, bound).online({ ...login, serverAddr: 'x:1' })).rejects.toMatchObject({
    code: PERMISSION_DENIED,
    details: `server_addr must be ${SERVER}, to which the JWT of "somebody" is bound; this one is "x:1"`,
  });
  for (const claims of [{ imstate_role: undefined }, { imstate_role: 'boss' }, { imstate_role: ['admin'] }]) {
    expect(await failureOf(addr, await issuer.sign(claims))).toMatchObject({
      code: PERMISSION_DENIED,
      details:
        'the JWT of "somebody" grants no role: its claim imstate_role must be one of reader, writer, admin',
    });
  }
});

test('reloads a changed key file, and rejects JWTs of removed keys', async () => {
  const [before, after] = await Promise.all([Issuer.make('old'), Issuer.make('new')]);
  const file = await keysFile(before);
  const { addr } = await startDaemon(optionsOf(file));
  const jwts = { before: await before.sign(), after: await after.sign() };
  expect(await failureOf(addr, jwts.before)).toBeUndefined();
  expect(await failureOf(addr, jwts.after)).toMatchObject({
    code: UNAUTHENTICATED,
    details: 'the JWT is not signed by a current key of its issuer: get a new one',
  });
  await writeFile(file, keysOf(after));
  await until(async () => (await failureOf(addr, jwts.after)) === undefined, 'the new key is accepted');
  expect(await failureOf(addr, jwts.before)).toMatchObject({ code: UNAUTHENTICATED });
});

test('fetches new keys of the issuer, and keeps them while it is down', async () => {
  const [before, after, later] = await Promise.all([
    Issuer.make('old'),
    Issuer.make('new'),
    Issuer.make('later'),
  ]);
  const web = await startWeb();
  // At first the keys are unavailable: the daemon waits.
  const http = { addr: '127.0.0.1', port: 0 };
  const starting = startDaemon({ ...optionsOf(web.url), http, startTimeoutMs: 60_000 });
  await until(() => web.requests > 0, 'the daemon requests the keys');
  web.body = keysOf(before);
  const daemon = await starting;
  expect(await failureOf(daemon.addr, await before.sign())).toBeUndefined();

  web.body = keysOf(before, after);
  const jwt = await after.sign();
  await until(async () => (await failureOf(daemon.addr, jwt)) === undefined, 'the new key is fetched');
  expect(await failureOf(daemon.addr, await before.sign())).toBeUndefined();

  // Requests for unknown keys are limited, not made for each call.
  const requestsBefore = web.requests;
  for (let i = 0; i < 20; i++) {
    expect(await failureOf(daemon.addr, await later.sign({ jti: `${i}` }))).toMatchObject({
      code: UNAUTHENTICATED,
    });
  }
  expect(web.requests - requestsBefore).toBeLessThan(20);

  web.body = undefined;
  await until(async () => {
    await failureOf(daemon.addr, await later.sign());
    return daemon.logged.some((line) => line.includes('stay in force'));
  }, 'it is logged that the keys cannot be had');
  expect(await failureOf(daemon.addr, await after.sign())).toBeUndefined();
  const stale = async () => sumOf(await scrape(daemon.http, await after.sign()), 'imstate_credentials_stale');
  expect(await stale()).toBe(1);

  web.body = `\ufeff${keysOf(after, later)}`;
  const known = await later.sign();
  await until(
    async () => (await failureOf(daemon.addr, known)) === undefined,
    'the keys are available again',
  );
  expect(await stale()).toBe(0);
});

test('rejects a header that is too long with the limit, and an invalid one with the format', async () => {
  const issuer = await Issuer.make();
  const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
  const long = await issuer.sign({ groups: 'g'.repeat(8_000) });
  expect(await failureOf(addr, long)).toMatchObject({
    code: UNAUTHENTICATED,
    details: `authorization must be at most 8192 bytes; this one has ${long.length + 'Bearer '.length}: get a JWT with fewer claims`,
  });
  expect(await failureOf(addr, await issuer.sign({ groups: 'g'.repeat(4_000) }))).toBeUndefined();
});

test('does not start without keys', async () => {
  const web = await startWeb();
  expect(await failedStart(optionsOf(web.url))).toMatchObject({
    code: 'AUTH_KEYS_UNAVAILABLE',
    message: expect.stringContaining('HTTP status 503'),
  });
  web.body = '{"keys":"none"}';
  expect(await failedStart(optionsOf(web.url))).toMatchObject({
    code: 'AUTH_KEYS_UNAVAILABLE',
    message: expect.stringContaining('JSON Web Key Set'),
  });
  const file = await keysFile();
  await writeFile(file, 'secret');
  await expect(startDaemon(optionsOf(file))).rejects.toMatchObject({
    code: 'AUTH_FILE_UNUSABLE',
    message: expect.not.stringContaining('secret'),
  });
});

test.each([
  'http://issuer.example/jwks',
  'https://user:password@issuer.example/jwks',
  'http://127.0.0.1.evil/',
])('does not fetch keys from %s', async (url) => {
  await expect(startDaemon(optionsOf(url))).rejects.toMatchObject({
    code: 'WRONG_USAGE',
    message: expect.not.stringContaining('password'),
  });
});

/** A web server that responds with the body, or with 503 while there is none. */
async function startWeb() {
  const web = { url: '', body: undefined as string | undefined, requests: 0 };
  const server: Server = createServer((_, response) => {
    web.requests += 1;
    response.writeHead(web.body === undefined ? 503 : 200, { 'content-type': 'application/json' });
    response.end(web.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposables.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  web.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return web;
}

/** Claims of every JSON type, much larger than those of an issuer. */
const ODD = [null, true, 0, 1e308, -1, '', 'x'.repeat(2_000), [], [null], [['x']], {}, { a: 1 }];

test.each(['sub', 'iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'imstate_role', 'imstate_servers'])(
  'accepts or rejects a claim %s of any type without an internal error',
  async (claim) => {
    const issuer = await Issuer.make();
    const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
    for (const value of ODD) {
      const failure = await failureOf(addr, await issuer.sign({ imstate_role: 'writer', [claim]: value }));
      expect([undefined, UNAUTHENTICATED, PERMISSION_DENIED]).toContain(failure?.code);
    }
  },
);

test('rejects a subject that is not a string, with the reason', async () => {
  const issuer = await Issuer.make();
  const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
  for (const sub of [null, 7, ['a'], { a: 1 }]) {
    expect(await failureOf(addr, await issuer.sign({ sub }))).toMatchObject({
      code: UNAUTHENTICATED,
      details: 'the subject (sub) of the JWT must be a string, or missing',
    });
  }
});

test('names only some of many bound chat servers in an error', async () => {
  const issuer = await Issuer.make();
  const { addr } = await startDaemon(optionsOf(await keysFile(issuer)));
  const servers = Array.from({ length: 200 }, (_, i) => `chat-${i}:1`);
  const bound = await issuer.sign({ imstate_role: 'writer', imstate_servers: servers });
  const login = { userId: 'alice', deviceId: 'phone', serverAddr: SERVER };
  await expect(apiOf(addr, bound).online(login)).rejects.toMatchObject({
    code: PERMISSION_DENIED,
    details: expect.stringContaining('chat-7:1 or one of 192 others, to which'),
  });
});

test.each([
  { keys: [{}] },
  { keys: [{ kty: 'EC', kid: 'k', crv: 7, x: [], y: null }] },
  { keys: [{ kty: 'EC', kid: 'k', crv: 'P-256', x: 'AA', y: 'AA' }] },
  { keys: [{ kty: 1, kid: 2, use: 3, key_ops: 4, alg: 5 }] },
])('rejects JWTs of an unusable key without an internal error: %j', async (keySet) => {
  const issuer = await Issuer.make('k');
  const file = await keysFile(issuer);
  await writeFile(file, JSON.stringify(keySet));
  const { addr } = await startDaemon(optionsOf(file));
  expect(await failureOf(addr, await issuer.sign())).toMatchObject({ code: UNAUTHENTICATED });
});
