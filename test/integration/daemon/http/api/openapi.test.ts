import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ApiParts } from '../../../../../src/daemon/http/api/apiCall.ts';
import { apiCalls } from '../../../../../src/daemon/http/api/calls.ts';
import type { TestDaemon } from '../../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../../support/disposables.ts';
import { EventReader } from '../../../../support/events.ts';
import { ask } from '../../../../support/http.ts';

interface Operation {
  operationId: string;
  description: string;
  parameters?: { $ref?: string; name?: string; in?: string }[];
}

/** The parts of the document that the test reads. */
interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
}

const text = readFileSync('docs/openapi.yaml', 'utf8');
const document = strict(parse(text)) as ApiDocument;
const operations: [path: string, method: string, operation: Operation][] = Object.entries(
  document.paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
    path,
    method.toUpperCase(),
    operation,
  ]),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema(document, 'openapi');

/** The schema of the response of a path. */
function schemaOf(path: string, type = 'application/json', method = 'get'): ValidateFunction {
  const pointer = ['paths', path, method, 'responses', '200', 'content', type, 'schema'];
  return validatorAt(
    `#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`,
  );
}

function validatorAt(pointer: string): ValidateFunction {
  return ajv.compile({ $ref: `openapi${pointer}` });
}

function expectValid(validate: ValidateFunction, value: unknown): void {
  validate(value);
  expect({ value, errors: validate.errors }).toEqual({ value, errors: null });
}

let daemon: TestDaemon;

beforeEach(async () => {
  daemon = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
  const client = await clientOf(daemon.addr);
  const server = client.server({ addr: '10.0.0.1:9000' });
  disposables.push(() => server.close());
  await server.ready;
  await server.online({ userId: 'alice', deviceId: 'phone', platform: 'ios', metadata: { version: '2.1' } });
  await client.online({ userId: 'alice', deviceId: 'web', serverAddr: '10.0.0.2:9000', ttlMs: 60_000 });
  await client.online({ userId: 'alice', deviceId: 'old', serverAddr: '10.0.0.2:9000' });
  await client.offline({ userId: 'alice', deviceId: 'old' });
  await client.online({ userId: 'alice', deviceId: 'going', serverAddr: '10.0.0.2:9000' });
  await client.offline({ userId: 'alice', deviceId: 'going', graceMs: 60_000 });
  await client.evict({ session: { userId: 'alice', deviceId: 'old', sessionId: 'past' } });
  await client.claimRelay({
    name: 'billing',
    holderId: 'h-1',
    holder: 'a:1',
    target: 'https://b.example/in',
  });
});

test('documents exactly the calls of the API with their roles and parameters', () => {
  const described = operations.map(([path, method, { description, parameters = [] }]) => ({
    method,
    name: path.slice(1),
    role: /Needs the role (\w+)/.exec(description)?.[1],
    parameters: parameters
      .filter((parameter) => parameter.in !== 'path')
      .map(({ $ref, name }) => name ?? $ref?.replace('#/components/parameters/', '')),
  }));
  const calls = apiCalls({} as ApiParts).map(({ method, name, role, parameters }) => ({
    method,
    name,
    role,
    parameters,
  }));
  expect(described.sort(byName)).toEqual(calls.sort(byName));
});

test('uses only existing calls in the examples of docs/console.md', () => {
  const page = readFileSync('docs/console.md', 'utf8');
  const used = [...page.matchAll(/\/api\/v1\/([a-z/{}]+)/g)].map(([, name]) => name as string);
  expect(used.length).toBeGreaterThan(3);
  const names = operations.map(([path]) => new RegExp(`^${path.slice(1).replaceAll(/\{\w+\}/g, '[^/]+')}$`));
  expect(used.filter((used) => !names.some((name) => name.test(used)))).toEqual([]);
});

test.each([
  ['/query', '?userId=alice'],
  ['/query', '?userId=alice&explain=true'],
  ['/query', '?userId=alice&deviceId=old&explain=true'],
  ['/query', '?userId=nobody'],
  ['/history', '?userId=alice'],
  ['/history', '?userId=alice&deviceId=old&pageSize=1'],
  ['/sessions', ''],
  ['/sessions', '?serverAddr=10.0.0.1:9000&pageSize=1'],
  ['/sessions', '?userIdPrefix=ali&deviceId=phone'],
  ['/sessions', '?sessionId=nobody'],
  ['/servers', ''],
  ['/servers', '?pageSize=1'],
  ['/stats', ''],
  ['/endpoints', ''],
  ['/endpoints', '?check=true'],
  ['/whoami', ''],
  ['/audit', '?userId=alice&pageSize=1'],
  ['/relays', ''],
  ['/policies', ''],
  ['/policies/explain', '?userId=alice'],
  ['/policies/explain', '?userId=alice&deviceId=web&platform=web&policy=replace-all'],
  ['/policies/explain', '?userId=alice&policy=turms-one-device-reject'],
])('responds to %s%s as documented', async (path, query) => {
  const { status, text, headers } = await ask(`${daemon.http}/api/v1${path}${query}`);
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expectValid(schemaOf(path), JSON.parse(text));
});

test('responds to /evict as documented', async () => {
  const answer = await ask(`${daemon.http}/api/v1/evict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'alice' }),
  });
  expectValid(schemaOf('/evict', 'application/json', 'post'), JSON.parse(answer.text));
  expect(JSON.parse(answer.text)).toEqual({ evicted: 3, more: false });
});

const LOGIN = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };

test.each([
  ['/route', 'POST', { userIds: ['nobody', 'alice'] }],
  ['/online', 'POST', LOGIN],
  ['/online', 'POST', { ...LOGIN, deviceId: 'new', policy: 'turms-one-device-reject', label: 'x' }],
  ['/online', 'POST', { ...LOGIN, sessionId: 's', loginTime: '2026-01-31T12:00:00.000Z', platform: 'ios' }],
  ['/offline', 'POST', { userId: 'alice', deviceId: 'phone', sessionId: 's', graceMs: 0 }],
  ['/heartbeat', 'POST', { sessions: [{ userId: 'alice', deviceId: 'old', sessionId: 'past' }] }],
  ['/drain', 'POST', { serverAddr: '10.0.0.1:9000', overMs: 1_000, graceMs: 0 }],
  ['/drain', 'POST', { serverAddr: '10.0.0.1:9000', cancel: true }],
  ['/relays/{name}/pause', 'POST', {}],
  ['/relays/{name}/resume', 'POST', {}],
  ['/servers/{serverAddr}/lease', 'PUT', { incarnation: 1, ttlMs: 1_000, resynced: '0:1' }],
])('accepts the body of %s as documented, and responds so', async (path, method, body) => {
  const pointer = `#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method.toLowerCase()}`;
  expectValid(validatorAt(`${pointer}/requestBody/content/application~1json/schema`), body);
  const url = `${daemon.http}/api/v1${path.replace('{serverAddr}', '10.0.0.9:9000').replace('{name}', 'billing')}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await ask(url, { method, headers, body: JSON.stringify(body) });
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  expectValid(schemaOf(path, 'application/json', method.toLowerCase()), JSON.parse(answer.text));
});

test('sends every event as documented', async () => {
  const client = await clientOf(daemon.addr);
  const all = await EventReader.open(`${daemon.http}/api/v1/watch?all=true&most=2`);
  const stats = await EventReader.open(`${daemon.http}/api/v1/stats/watch`);
  await all.wait('synced');
  const logins = ['a', 'b', 'c', 'd'].map((userId) =>
    client.online({ userId, deviceId: 'web', serverAddr: '10.0.0.3:1' }),
  );
  await Promise.all(logins);
  await all.wait('progress');
  await stats.wait('stats', 2);
  await daemon.stop();
  for (const reader of [all, stats]) await reader.ended;
  expect(new Set(all.events.map(({ event }) => event))).toEqual(
    new Set(['snapshot', 'synced', 'change', 'skipped', 'progress', 'error']),
  );
  for (const { event, data } of all.events) {
    expect(event).toBe(data.type);
    expectValid(schemaOf('/watch', 'text/event-stream'), data);
  }
  for (const { data } of stats.events) expectValid(schemaOf('/stats/watch', 'text/event-stream'), data);
});

test('returns every error as documented', async () => {
  for (const [path, query] of [
    ['/query', ''],
    ['/history', '?userId=a&pageSize=x'],
    ['/watch', ''],
    ['/servers', '?pageToken=x'],
    ['/sessions', '?deviceId=phone&pageToken=x'],
    ['/sessions', '?userIdPrefix=%01'],
    ['/endpoints', '?check=maybe'],
    ['/audit', '?pageToken=x'],
    ['/audit', '?since=yesterday'],
    ['/audit', '?outcome=maybe'],
    ['/relays', '?name=x'],
    ['/policies', '?name=x'],
    ['/policies/explain', ''],
    ['/policies/explain', '?userId=a&policy=none'],
    ['/policies/explain', '?userId=a&platform=%01'],
  ]) {
    const { status, text } = await ask(`${daemon.http}/api/v1${path}${query}`);
    expect([path, status]).toEqual([path, 400]);
    expectValid(validatorAt('#/components/schemas/Error'), JSON.parse(text));
  }
});

test('serves the document', async () => {
  expect((await ask(`${daemon.http}/api/openapi.yaml`)).text).toBe(text);
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** The document without additional properties: clients must accept them, but responses have none. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== 'object' || node === null) return node;
  const made: Record<string, unknown> = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, strict(value)]),
  );
  return made.required && made.properties ? { ...made, additionalProperties: false } : made;
}
