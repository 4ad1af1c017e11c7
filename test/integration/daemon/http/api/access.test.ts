import { expect, test } from 'vitest';
import { ROLES } from '../../../../../src/daemon/auth/roles.ts';
import type { ApiParts } from '../../../../../src/daemon/http/api/apiCall.ts';
import { apiCalls } from '../../../../../src/daemon/http/api/calls.ts';
import { Authority } from '../../../../support/authority.ts';
import { TokenFile } from '../../../../support/credentials.ts';
import { startDaemon } from '../../../../support/disposables.ts';
import { EventReader } from '../../../../support/events.ts';
import { ask } from '../../../../support/http.ts';

const http = { addr: '127.0.0.1', port: 0 };
const json = { 'content-type': 'application/json' };
const calls = apiCalls({} as ApiParts);

test('requires a credential with the role of each call', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  for (const { method, name, role } of calls) {
    const statusOf = async (headers: Record<string, string>) =>
      (await ask(`${url}/api/v1/${name}?no=such`, { method, headers: { ...json, ...headers } })).status;
    expect([name, await statusOf({})]).toEqual([name, 401]);
    expect([name, await statusOf({ authorization: 'Bearer imstate_wrong' })]).toEqual([name, 401]);
    for (const own of ROLES) {
      // An authorized call fails because of its parameter.
      const wanted = ROLES.indexOf(own) >= ROLES.indexOf(role) ? 400 : 403;
      const status = await statusOf({ authorization: `Bearer ${file.tokens[own]}` });
      expect([name, own, status]).toEqual([name, own, wanted]);
    }
  }
});

test('rejects a credential with invalid bytes, and does not log it', async () => {
  const file = await TokenFile.make();
  const { http: url, logged } = await startDaemon({ http, auth: { tokens: file.path } });
  for (const authorization of [
    `Bearer ${file.tokens.reader}\u00e9`,
    'Bearer \u00ffsecret',
    'Bearer secret\t',
  ]) {
    const { status, text } = await ask(`${url}/api/v1/stats`, { headers: { authorization } });
    expect([status, JSON.parse(text).error.code]).toEqual([401, 'UNAUTHENTICATED']);
  }
  const log = logged.join('');
  expect(log).toContain('"reason":"authorization must be');
  expect(log).not.toContain('internal error');
  for (const secret of ['secret', file.tokens.reader]) expect(log).not.toContain(secret);
});

test('whoami returns the caller', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  const headers = { authorization: `Bearer ${file.tokens.reader}` };
  expect(JSON.parse((await ask(`${url}/api/v1/whoami`, { headers })).text)).toEqual({
    name: 'token "reader"',
    role: 'reader',
  });
  const { http: open } = await startDaemon({ http });
  expect(JSON.parse((await ask(`${open}/api/v1/whoami`)).text)).toEqual({ name: null, role: 'admin' });
});

test('ends a stream when its token is revoked', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  const headers = { authorization: `Bearer ${file.tokens.reader}` };
  const reader = await EventReader.open(`${url}/api/v1/watch?all=true`, headers);
  await reader.wait('synced');
  await file.remove('reader');
  await reader.ended;
  expect(reader.of('error')).toMatchObject([{ error: { code: 'UNAUTHENTICATED' } }]);
});

test('rejects pages of other origins, including similar ones', async () => {
  const { http: url } = await startDaemon({ http });
  const { host } = new URL(url as string);
  const statusOf = async (headers: Record<string, string>) =>
    (await ask(`${url}/api/v1/stats`, { headers })).status;
  expect(await statusOf({})).toBe(200);
  expect(await statusOf({ 'sec-fetch-site': 'same-origin', origin: `http://${host}` })).toBe(200);
  expect(await statusOf({ 'sec-fetch-site': 'none' })).toBe(200);
  expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await statusOf({ 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf({ origin: 'null' })).toBe(403);
  // DNS rebinding: for the browser, the foreign name is the origin of the page.
  expect(await statusOf({ host: 'evil.example:9090', origin: 'http://evil.example:9090' })).toBe(403);
  for (const name of [
    'localhost',
    'imstate:9090',
    'node-1.local',
    'imstate.default.svc',
    '[::1]:9090',
    '10.0.0.1',
  ])
    expect([name, await statusOf({ host: name })]).toEqual([name, 200]);
});

test('accepts any host name with a credential, which foreign pages do not have', async () => {
  const file = await TokenFile.make();
  const { http: url } = await startDaemon({ http, auth: { tokens: file.path } });
  const headers = { host: 'presence.example', authorization: `Bearer ${file.tokens.reader}` };
  expect((await ask(`${url}/api/v1/stats`, { headers })).status).toBe(200);
});

test('accepts any host name over TLS, because the certificate covers no foreign one', async () => {
  const tls = await (await Authority.make()).issue();
  const { http: url } = await startDaemon({ http, tls });
  const options = { headers: { host: 'presence.example' }, rejectUnauthorized: false };
  expect((await ask(`${url}/api/v1/stats`, options)).status).toBe(200);
});

test.each(['/admin/log-level', '/metrics'])('protects %s in the same way', async (path) => {
  const { http: url } = await startDaemon({ http });
  const statusOf = async (headers: Record<string, string>) =>
    (await ask(`${url}${path}`, { headers })).status;
  expect(await statusOf({})).toBe(200);
  expect(await statusOf({ host: 'imstate.default.svc.cluster.local:9090' })).toBe(200);
  expect(await statusOf({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusOf({ host: 'evil.example' })).toBe(403);
});

test('requires JSON for changes, which a foreign form cannot send', async () => {
  const { http: url } = await startDaemon({ http });
  const evict = (headers: Record<string, string>, body: string) =>
    ask(`${url}/api/v1/evict`, { method: 'POST', headers, body });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
    expect((await evict({ 'content-type': type }, '{"userId":"alice"}')).status).toBe(400);
  expect((await evict(json, '{"userId":"alice"}')).status).toBe(200);
  expect((await ask(`${url}/api/v1/evict?userId=alice`)).status).toBe(405);
});

test.each([
  ['', 'the body must be a JSON object', undefined],
  ['[]', 'the body must be a JSON object', undefined],
  ['{}', 'must have one of serverAddr and userId', undefined],
  ['{"userId":"a","serverAddr":"10.0.0.1:1"}', 'must have one of serverAddr and userId', undefined],
  ['{"userId":"a","sessionId":"b"}', 'needs the deviceId', 'deviceId'],
  ['{"userId":"a","deviceId":""}', 'deviceId must not be empty', 'deviceId'],
  ['{"userId":"a","reason":"\\u0007"}', 'reason must not contain control characters', 'reason'],
  ['{"serverAddr":"10.0.0.1:1","deviceId":"b"}', 'must be together with userId', 'userId'],
  ['{"userId":"a","session":"b"}', 'is not a key of the body', 'session'],
  ['{"userId":1}', 'userId must be a string', 'userId'],
  ['{"userId":""}', 'userId must not be empty', 'userId'],
])('evict rejects the body %s', async (body, message, field) => {
  const { http: url } = await startDaemon({ http });
  const answer = await ask(`${url}/api/v1/evict`, { method: 'POST', headers: json, body });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.text)).toEqual({
    error: { code: 'INVALID_ARGUMENT', message: expect.stringContaining(message), field },
  });
});
