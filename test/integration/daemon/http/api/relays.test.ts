import { beforeEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../../../packages/client/src/index.ts';
import { TokenFile } from '../../../../support/credentials.ts';
import type { TestDaemon } from '../../../../support/daemon.ts';
import { clientOf, disposables, startDaemon } from '../../../../support/disposables.ts';
import { ask } from '../../../../support/http.ts';
import { scrape } from '../../../../support/metrics.ts';

const http = { addr: '127.0.0.1', port: 0 };
const BILLING = {
  name: 'billing',
  holderId: 'h-1',
  holder: 'host:1',
  target: 'https://billing.example/events',
};

let daemon: TestDaemon;
let client: Client;

beforeEach(async () => {
  daemon = await startDaemon({ http });
  client = await clientOf(daemon.addr);
});

/** Sends a request; the response with its JSON. */
async function send(path: string, body = '', { url = daemon.http, token = '' } = {}) {
  const headers = {
    'content-type': 'application/json',
    ...(token !== '' && { authorization: `Bearer ${token}` }),
  };
  const answer = await ask(`${url}/api/v1/${path}`, { method: 'POST', headers, body });
  return { status: answer.status, json: JSON.parse(answer.text) };
}

/** Without a process that delivers, a relay that is not paused is RUNNING for 4 s, then STOPPED. */
async function isPaused(name: string): Promise<boolean> {
  return (await client.listRelays()).some((relay) => relay.name === name && relay.state === 'PAUSED');
}

test('pauses and resumes a relay, and returns it', async () => {
  const { fence } = await client.claimRelay(BILLING);
  await client.commitRelay({ ...BILLING, fence, delivered: 3, failed: 1 });
  const paused = await send('relays/billing/pause');
  expect(paused).toMatchObject({
    status: 200,
    json: {
      name: 'billing',
      state: 'PAUSED',
      holder: 'host:1',
      target: BILLING.target,
      delivered: 3,
      failed: 1,
      lagChanges: null,
      lagMs: null,
    },
  });
  expect(await isPaused('billing')).toBe(true);
  // Repeats are harmless.
  expect((await send('relays/billing/pause', '{}')).json.state).toBe('PAUSED');
  expect((await send('relays/billing/resume', ' {} ')).json.state).toMatch(/^(RUNNING|STOPPED)$/);
  expect(await isPaused('billing')).toBe(false);
});

test('pauses a relay whose name has every kind of character', async () => {
  const name = `0a-b_c.${'d'.repeat(56)}`;
  await client.claimRelay({ ...BILLING, name });
  expect((await send(`relays/${name}/pause`)).json).toMatchObject({ name, state: 'PAUSED' });
});

test('reports a relay that does not exist', async () => {
  for (const verb of ['pause', 'resume'])
    expect(await send(`relays/other/${verb}`)).toEqual({
      status: 404,
      json: {
        error: {
          code: 'NOT_FOUND',
          message: 'there is no relay "other": imstate relay list shows those there are',
          field: 'name',
        },
      },
    });
});

test.each([
  ['relays/UPPER/pause', '', 'name', 'name must be 1 to 63 of a-z'],
  [`relays/${'x'.repeat(64)}/resume`, '', 'name', 'name must be 1 to 63 of a-z'],
  ['relays/a%2Fb/pause', '', 'name', 'name must be 1 to 63 of a-z'],
  ['relays/billing/pause?resume=true', '', 'resume', 'is no parameter of this call: it has none'],
  ['relays/billing/pause', '{"name":"other"}', undefined, 'the body must be empty or {}'],
  ['relays/billing/pause', '{"resume":true}', undefined, 'the body must be empty or {}'],
  ['relays/billing/pause', '[]', undefined, 'the body must be empty or {}'],
  ['relays/billing/pause', 'billing', undefined, 'the body must be empty or {}'],
])('rejects %s with the body %s, and changes nothing', async (path, body, field, message) => {
  await client.claimRelay(BILLING);
  expect(await send(path, body)).toEqual({
    status: 400,
    json: { error: { code: 'INVALID_ARGUMENT', message: expect.stringContaining(message), field } },
  });
  expect(await isPaused('billing')).toBe(false);
  expect((await client.listAudit()).records).toEqual([]);
});

test('serves no other method, type or path', async () => {
  await client.claimRelay(BILLING);
  const url = `${daemon.http}/api/v1/relays/billing/pause`;
  const get = await ask(url);
  expect([get.status, get.headers.allow]).toEqual([405, 'POST']);
  const plain = await ask(url, { method: 'POST', headers: { 'content-type': 'text/plain' } });
  expect([plain.status, plain.text]).toEqual([400, expect.stringContaining('must be application/json')]);
  for (const path of ['relays//pause', 'relays/billing', 'relays/a/b/pause', 'relays/%ff/pause'])
    expect([path, (await send(path)).status]).toEqual([path, 404]);
  expect(await isPaused('billing')).toBe(false);
});

test('records who paused and resumed a relay, and who was denied or failed', async () => {
  const file = await TokenFile.make();
  const guarded = await startDaemon({ http, auth: { tokens: file.path } });
  const { reader, writer, admin } = file.tokens as Record<'reader' | 'writer' | 'admin', string>;
  const url = String(guarded.http);
  const owner = await connect({ endpoints: [guarded.addr], token: admin });
  disposables.push(() => owner.close());
  await owner.claimRelay(BILLING);
  for (const token of [reader, writer]) {
    const { status, json } = await send('relays/billing/pause', '{}', { url, token });
    expect([status, json.error.code]).toEqual([403, 'PERMISSION_DENIED']);
  }
  expect((await owner.listRelays())[0]?.state).not.toBe('PAUSED');
  expect((await send('relays/billing/pause', '{}', { url, token: admin })).status).toBe(200);
  expect((await send('relays/billing/resume', '{}', { url, token: admin })).status).toBe(200);
  expect((await send('relays/other/resume', '{}', { url, token: admin })).status).toBe(404);
  const done = { action: 'pause_relay', via: 'HTTP', identity: { name: 'admin' }, role: 'admin' };
  const records = async () => (await owner.listAudit()).records.reverse();
  await expect.poll(async () => (await records()).length).toBe(5);
  const all = await records();
  expect(all.filter(({ outcome }) => outcome === 'DENIED')).toMatchObject(
    ['reader', 'writer'].map((name) => ({
      action: 'pause_relay',
      identity: { name },
      target: { type: 'relay', name: undefined },
    })),
  );
  expect(all.filter(({ outcome }) => outcome !== 'DENIED')).toMatchObject([
    { ...done, outcome: 'OK', target: { type: 'relay', name: 'billing' }, detail: 'paused' },
    { ...done, outcome: 'OK', target: { type: 'relay', name: 'billing' }, detail: 'resumed' },
    {
      ...done,
      outcome: 'FAILED',
      code: 'NOT_FOUND',
      target: { type: 'relay', name: 'other' },
      detail: expect.stringContaining('there is no relay "other"'),
    },
  ]);
});

test('counts both as operations', async () => {
  await client.claimRelay(BILLING);
  await send('relays/billing/pause');
  await send('relays/billing/resume');
  const samples = (await scrape(daemon.http)).get('imstate_operations_total')?.samples ?? [];
  const counted = samples.filter(({ labels }) => labels.operation === 'pause_relay');
  expect(counted.map(({ labels, value }) => [labels.code, value])).toEqual([['OK', 2]]);
});
