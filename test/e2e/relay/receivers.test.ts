import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../../support/credentials.ts';
import { clientOf, disposables } from '../../support/disposables.ts';
import { spawnImstate, startImstate } from '../../support/imstate.ts';
import { freePort } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const page = await readFile('docs/relay.md', 'utf8');
const hasGo = spawnSync('go', ['version']).status === 0;

/** A request of the relay. */
interface Received {
  headers: Record<string, string>;
  body: string;
}

/** A program of examples/relay that is running. */
interface Receiver {
  url: string;
  /** The lines that it has printed. */
  lines(): string[];
}

/** Starts an example until the end of the test; resolves once it listens. */
async function startReceiver(program: string, args: string[], secretFile: string): Promise<Receiver> {
  const port = await freePort();
  const child = spawn(program, [...args, `${port}`, secretFile], { stdio: ['ignore', 'pipe', 'pipe'] });
  disposables.push(() => end(child));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  const url = `http://127.0.0.1:${port}/presence`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} has ended: ${output.stderr}`);
    return (await fetch(url, { method: 'POST', body: '[]' }).catch(() => undefined))?.status === 401;
  }, 'the receiver listens, and refuses a request without a signature');
  return { url, lines: () => output.stdout.split('\n').filter((line) => line !== '') };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
}

/** Forwards requests to a receiver until the end of the test, and keeps them. */
async function startProxy(to: string): Promise<{ url: string; requests: Received[] }> {
  const requests: Received[] = [];
  const server = createServer(async (request, response) => {
    const received = { headers: webhookHeaders(request.headers), body: await text(request) };
    const status = await post(to, received);
    requests.push(received);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  disposables.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/presence`, requests };
}

function webhookHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => /^(webhook-|content-type$)/.test(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

async function post(url: string, { headers, body }: Received): Promise<number> {
  const response = await fetch(url, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return response.status;
}

/** A request with this body, signed as if the relay had sent it at that time. */
function signed(body: string, { secret = SECRET, ageMs = 0 } = {}): Received {
  const time = new Date(Date.now() - ageMs);
  const signature = new Webhook(secret).sign('another', time, body);
  const headers = {
    'content-type': 'application/cloudevents-batch+json; charset=utf-8',
    'webhook-id': 'another',
    'webhook-timestamp': `${Math.floor(time.getTime() / 1_000)}`,
    'webhook-signature': signature,
  };
  return { headers, body };
}

/** Delivers a login and a logout to a receiver by a real relay, and then requests that it must not accept. */
async function check(program: string, args: string[]): Promise<void> {
  const secretFile = join(await scratchDirectory(), 'secret');
  await writeFile(secretFile, `${SECRET}\n`);
  const receiver = await startReceiver(program, args, secretFile);
  const proxy = await startProxy(receiver.url);
  const daemon = await startImstate('serve', '--port', '0');
  disposables.push(() => daemon.kill());
  const to = ['--to', proxy.url, '--allow-private', '--secret-file', secretFile];
  const relay = spawnImstate(['relay', 'run', '--name', 'example', ...to, '--endpoint', daemon.addr]);
  disposables.push(async () => {
    relay.signal('SIGTERM');
    expect(await relay.ended).toBe(0);
  });
  const client = await clientOf(daemon.addr);
  await until(async () => (await client.listRelays())[0]?.revision, 'the relay has begun');
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  await client.offline({ userId: 'alice', deviceId: 'phone' });
  await until(() => receiver.lines().length >= 4, 'the events are printed');
  await until(async () => (await client.listRelays())[0]?.delivered === 4, 'the events are acknowledged');
  const ids = proxy.requests.flatMap(({ body }) => JSON.parse(body).map(({ id }: { id: string }) => id));
  const printed = [
    `presence.session.started alice ${ids[0]}`,
    `presence.user.online alice ${ids[1]}`,
    `presence.session.ended alice ${ids[2]}`,
    `presence.user.offline alice ${ids[3]}`,
  ];
  expect(receiver.lines()).toEqual(printed);
  expect([ids[1], ids[3]]).toEqual([`${ids[0]}-user`, `${ids[2]}-user`]);

  const [request] = proxy.requests as [Received];
  const statuses = [
    await post(receiver.url, request),
    await post(receiver.url, signed(request.body)),
    await post(receiver.url, { ...request, body: request.body.replaceAll('alice', 'mallory') }),
    await post(receiver.url, { ...request, headers: { ...request.headers, 'webhook-id': 'other' } }),
    await post(receiver.url, signed('[]', { ageMs: 6 * 60_000 })),
    await post(receiver.url, signed('[]', { ageMs: -6 * 60_000 })),
    await post(receiver.url, signed('[]', { secret: `whsec_${Buffer.alloc(32, 8).toString('base64')}` })),
  ];
  expect(statuses).toEqual([204, 204, 401, 401, 401, 401, 401]);
  // An event without a user, signed with an old secret as well.
  const begun = { id: 's-begun', source: 's', type: 'presence.snapshot.begun', data: {} };
  const last = signed(JSON.stringify([begun]));
  last.headers['webhook-signature'] = `v1,b2xk ${last.headers['webhook-signature']}`;
  expect(await post(receiver.url, last)).toBe(204);
  await until(() => receiver.lines().length > 4, 'the last event is printed');
  expect(receiver.lines()).toEqual([...printed, 'presence.snapshot.begun - s-begun']);
}

test('the receiver in TypeScript accepts each event of a relay once, and nothing else', async () => {
  await check(process.execPath, ['--import', 'tsx', 'examples/relay/receiver.ts']);
});

test('the receiver in Python accepts each event of a relay once, and nothing else', async () => {
  await check('python3', ['examples/relay/receiver.py']);
});

test.skipIf(!hasGo)(
  'the receiver in Go accepts each event of a relay once, and nothing else',
  {
    timeout: 180_000,
  },
  async () => {
    const program = join(await scratchDirectory(), 'receiver');
    const build = spawn('go', ['build', '-o', program, 'examples/relay/receiver.go'], { stdio: 'inherit' });
    expect(await once(build, 'close')).toEqual([0, null]);
    await check(program, []);
  },
);

test.each([
  ['python', 'receiver.py'],
  ['go', 'receiver.go'],
])('the %s code of docs/relay.md is that of examples/relay/%s', async (language, name) => {
  const example = await readFile(`examples/relay/${name}`, 'utf8');
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))];
  expect(blocks).toHaveLength(1);
  expect(example).toContain(blocks[0]?.[1]);
});
