import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createSilentServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { ImstateError } from '../../../packages/client/src/shared/errors.ts';
import { EventFactory } from '../../../src/relay/events.ts';
import { DeliveryError, type RelayEvent } from '../../../src/relay/target.ts';
import { openWebhook, type WebhookOptions, type WebhookTarget } from '../../../src/relay/targets/webhook.ts';
import { Authority } from '../../support/authority.ts';
import { scratchDirectory } from '../../support/credentials.ts';
import { disposables } from '../../support/disposables.ts';
import { NOBODY } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const factory = new EventFactory('a1b2c3d4-0000-4000-8000-000000000000');
const EVENTS = [factory.snapshotBegun('s-1', 'start'), factory.snapshotEnded('s-1', 0)];
const SECRET = secretOf(1);
const NEWER = secretOf(2);
const unhurried = new AbortController().signal;

test('posts a CloudEvents batch with the headers of Standard Webhooks', async () => {
  const receiver = await Receiver.start();
  const target = await open(receiver.url('/hooks?tenant=7'), {
    secretFile: await secretFile(`# newest first\n${SECRET}\n`),
  });
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  const [{ method, url, headers, body }] = receiver.requests as [Received];
  expect({ method, url }).toEqual({ method: 'POST', url: '/hooks?tenant=7' });
  expect(headers['content-type']).toBe('application/cloudevents-batch+json; charset=utf-8');
  expect(headers['webhook-id']).toBe('delivery-1');
  const verified = new Webhook(SECRET).verify(body, headers);
  expect(verified).toEqual(JSON.parse(JSON.stringify(EVENTS)));
  expect(verified).toMatchObject([
    { specversion: '1.0', type: 'presence.snapshot.begun' },
    { type: 'presence.snapshot.ended' },
  ]);
});

test('does not sign without secrets', async () => {
  const receiver = await Receiver.start();
  const target = await open(receiver.url());
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  const [{ headers }] = receiver.requests as [Received];
  expect(headers).toMatchObject({ 'webhook-id': 'delivery-1' });
  expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60);
  expect(headers).not.toHaveProperty('webhook-signature');
});

test('signs with all secrets, so that receivers can change to a new one', async () => {
  const receiver = await Receiver.start();
  const target = await open(receiver.url(), {
    secretFile: await secretFile(`${NEWER}\n\n${SECRET} # old\n`),
  });
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  const [{ body, headers }] = receiver.requests as [Received];
  for (const secret of [NEWER, SECRET]) new Webhook(secret).verify(body, headers);
  expect(() => new Webhook(secretOf(3)).verify(body, headers)).toThrow();
  const { 'webhook-id': id = '', 'webhook-timestamp': seconds } = headers;
  const newest = new Webhook(NEWER).sign(id, new Date(Number(seconds) * 1_000), body);
  expect(headers['webhook-signature']?.split(' ')).toEqual([newest, expect.stringMatching(/^v1,/)]);
});

test('signs with the secrets of a changed file', async () => {
  const receiver = await Receiver.start();
  const path = await secretFile(SECRET);
  const target = await open(receiver.url(), { secretFile: path });
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  expect(isSignedBy(SECRET, receiver.last)).toBe(true);
  await writeFile(path, NEWER);
  await until(async () => {
    await target.deliver(EVENTS, 'delivery-2', unhurried);
    return isSignedBy(NEWER, receiver.last);
  }, 'the new secret signs');
});

test('keeps the previous secrets while the changed file cannot be used, and warns once', async () => {
  const receiver = await Receiver.start();
  const path = await secretFile(SECRET);
  const warnings: string[] = [];
  const target = await open(receiver.url(), {
    secretFile: path,
    onWarning: (message) => warnings.push(message),
  });
  await writeFile(path, `${SECRET}\nwhsec_dG9vIHNob3J0\n`);
  await until(async () => {
    await target.deliver(EVENTS, 'delivery-1', unhurried);
    return warnings.length > 0;
  }, 'the file is found unusable');
  expect(isSignedBy(SECRET, receiver.last)).toBe(true);
  expect(warnings).toEqual([expect.stringContaining(`${path}, line 2,`)]);
  expect(warnings.join()).not.toContain('dG9v');
  await writeFile(path, NEWER);
  await until(async () => {
    await target.deliver(EVENTS, 'delivery-2', unhurried);
    return isSignedBy(NEWER, receiver.last);
  }, 'the corrected file signs');
  expect(warnings).toHaveLength(1);
});

test.each([
  ['a secret without its prefix', `# one\n${SECRET.slice(6)}`, 'line 2'],
  ['a short secret', `whsec_${Buffer.alloc(23).toString('base64')}`, 'line 1'],
  ['a long secret', `whsec_${Buffer.alloc(65).toString('base64')}`, 'line 1'],
  ['a secret that is not base64', `${SECRET}\n\n${SECRET.slice(0, -3)}!!=`, 'line 3'],
  ['no secret', '# none\n\n', 'has no secret'],
])('refuses a file with %s, without quoting it', async (_, content, message) => {
  const path = await secretFile(content);
  const error = await openFailure('https://receiver.example', { secretFile: path });
  expect(error).toMatchObject({ code: 'CONFIG_UNUSABLE', message: expect.stringContaining(message) });
  expect(error.message).toContain(path);
  expect(error.message).not.toContain(SECRET.slice(10, 20));
});

test('refuses a missing file of secrets', async () => {
  const error = await openFailure('https://receiver.example', { secretFile: '/no/such/file' });
  expect(error).toMatchObject({ code: 'CONFIG_UNUSABLE', message: expect.stringContaining('/no/such/file') });
});

test.each([400, 500, 503])('fails for HTTP status %i', async (status) => {
  const receiver = await Receiver.start((_, response) => response.writeHead(status).end('why'));
  const target = await open(receiver.url('/secret-path?key=secret'));
  const error = await deliveryFailure(target);
  expect(error).toMatchObject({
    message: expect.stringContaining(`HTTP status ${status}`),
    isGone: false,
    retryAfterMs: undefined,
  });
  expect(error.message).toContain(receiver.host);
  expect(error.message + target.description).not.toContain('secret');
});

test('reports the pause that the receiver asks for', async () => {
  const receiver = await Receiver.start((_, response) =>
    response.writeHead(429, { 'retry-after': '7' }).end(),
  );
  expect(await deliveryFailure(await open(receiver.url()))).toMatchObject({
    retryAfterMs: 7_000,
    isGone: false,
  });
});

test('reports that the receiver wants no events any more', async () => {
  const receiver = await Receiver.start((_, response) => response.writeHead(410).end());
  expect(await deliveryFailure(await open(receiver.url()))).toMatchObject({ isGone: true });
});

test('does not follow redirects', async () => {
  const receiver = await Receiver.start((_, response) =>
    response.writeHead(302, { location: '/elsewhere' }).end(),
  );
  const error = await deliveryFailure(await open(receiver.url()));
  expect(error.message).toMatch(/redirect.*302.*not followed/);
  expect(receiver.requests).toHaveLength(1);
});

test('fails if the receiver does not respond in time', async () => {
  const receiver = await Receiver.start(() => {});
  const error = await deliveryFailure(await open(receiver.url(), { timeoutMs: 50 }));
  expect(error.message).toContain('no response within 50 ms');
});

test('fails if nobody listens', async () => {
  const error = await deliveryFailure(await open(`http://${NOBODY}/?key=secret`));
  expect(error.message).toMatch(/127\.0\.0\.1:1 failed: connect ECONNREFUSED/);
  expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
});

test('delivers again after a failure, with the same ID', async () => {
  let status = 500;
  const receiver = await Receiver.start((_, response) => response.writeHead(status).end());
  const target = await open(receiver.url());
  await deliveryFailure(target);
  status = 204;
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual(['delivery-1', 'delivery-1']);
});

test('aborts a request with the reason of the signal', async () => {
  const receiver = await Receiver.start(() => {});
  const target = await open(receiver.url());
  const stop = new AbortController();
  const delivery = target.deliver(EVENTS, 'delivery-1', stop.signal);
  const failed = expect(delivery).rejects.toThrow('the relay stops');
  await until(() => receiver.requests.length === 1, 'the request arrives');
  stop.abort(new Error('the relay stops'));
  await failed;
  await until(() => receiver.requests[0]?.wasAborted, 'the request ends');
  await expect(target.deliver(EVENTS, 'delivery-1', stop.signal)).rejects.toThrow('the relay stops');
  expect(receiver.requests).toHaveLength(1);
});

test('aborts while it waits because of the limit of events a second', async () => {
  const receiver = await Receiver.start();
  const target = await open(receiver.url(), { maxPerSecond: 0.001 });
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  const stop = new AbortController();
  const delivery = expect(target.deliver(EVENTS, 'delivery-2', stop.signal)).rejects.toThrow(
    'the relay stops',
  );
  stop.abort(new Error('the relay stops'));
  await delivery;
  expect(receiver.requests).toHaveLength(1);
});

test('ends a request in flight when it is closed', async () => {
  const receiver = await Receiver.start(() => {});
  const target = await open(receiver.url());
  const failed = deliveryFailure(target);
  await until(() => receiver.requests.length === 1, 'the request arrives');
  await target.close();
  await target.close();
  expect(await failed).toBeInstanceOf(DeliveryError);
});

test('ends a connection that is being opened when it is closed', async () => {
  let socket: Socket | undefined;
  const silent = createSilentServer((accepted) => {
    // So that the server sees its end.
    socket = accepted.resume();
  });
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  disposables.push(() => silent.close());
  const target = await open(`https://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
  const failed = deliveryFailure(target);
  await until(() => socket, 'it connects');
  await target.close();
  await failed;
  await until(() => socket?.destroyed, 'the connection ends');
});

test('aborts while it connects', async () => {
  const silent = createSilentServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  disposables.push(() => silent.close());
  const target = await open(`https://127.0.0.1:${(silent.address() as AddressInfo).port}/`);
  const stop = new AbortController();
  const failed = expect(target.deliver(EVENTS, 'delivery-1', stop.signal)).rejects.toThrow('the relay stops');
  await once(silent, 'connection');
  stop.abort(new Error('the relay stops'));
  await failed;
});

test('splits events of more than 1 MiB into requests, in order', async () => {
  const receiver = await Receiver.start();
  const target = await open(receiver.url());
  const sizes = [400_000, 400_000, 400_000, 2_000_000, 10];
  const events = sizes.map((size, i) => factory.snapshotBegun(`${i}`, 'x'.repeat(size)));
  await target.deliver(events, 'delivery-1', unhurried);
  expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([
    'delivery-1.1',
    'delivery-1.2',
    'delivery-1.3',
    'delivery-1.4',
  ]);
  const ids = receiver.requests.map(({ body }) => (JSON.parse(body) as RelayEvent[]).map(({ id }) => id));
  expect(ids).toEqual([['0-begun', '1-begun'], ['2-begun'], ['3-begun'], ['4-begun']]);
});

test('stops at the first request of a delivery that fails', async () => {
  const receiver = await Receiver.start((_, response) =>
    response.writeHead(receiver.requests.length === 2 ? 500 : 200).end(),
  );
  const events = [1, 2, 3].map((i) => factory.snapshotBegun(`${i}`, 'x'.repeat(900_000)));
  await deliveryFailure(await open(receiver.url()), events);
  expect(receiver.requests).toHaveLength(2);
});

test('accepts an acknowledgement whose body is large or never ends', async () => {
  const receiver = await Receiver.start((_, response) => {
    response.writeHead(200);
    if (receiver.requests.length === 1) response.end('x'.repeat(1_000_000));
    else response.write('x');
  });
  const target = await open(receiver.url());
  await target.deliver(EVENTS, 'delivery-1', unhurried);
  await target.deliver(EVENTS, 'delivery-2', unhurried);
  await target.deliver(EVENTS, 'delivery-3', unhurried);
  await until(() => receiver.requests[2]?.wasAborted, 'the connection is dropped');
});

test('uses its connections again', async () => {
  const receiver = await Receiver.start((_, response) => response.end('accepted'));
  const target = await open(receiver.url());
  for (let i = 0; i < 20; i += 1) await target.deliver(EVENTS, `delivery-${i}`, unhurried);
  expect(receiver.requests).toHaveLength(20);
  // A second one, because the first may not be idle yet when its response has been read.
  expect(receiver.connections).toBeLessThanOrEqual(2);
});

test('delivers over TLS with a client certificate, by name and by address', async () => {
  const authority = await Authority.make();
  const receiver = await Receiver.start(accept, await tlsServer(authority));
  const tls = { ca: authority.file, ...(await authority.issue({ subject: 'relay' })) };
  for (const host of ['127.0.0.1', 'localhost']) {
    const target = await open(`https://${host}:${receiver.port}/`, { tls });
    await target.deliver(EVENTS, 'delivery-1', unhurried);
  }
  expect(receiver.requests).toHaveLength(2);
});

test('fails without the client certificate that the receiver requires', async () => {
  const authority = await Authority.make();
  const receiver = await Receiver.start(accept, await tlsServer(authority));
  const error = await deliveryFailure(await open(receiver.url(), { tls: { ca: authority.file } }));
  // The server closes the connection right after it has said why.
  expect(error.message).toMatch(/127\.0\.0\.1:\d+ (failed: .*certificate required|closed the connection)/);
  expect(receiver.requests).toEqual([]);
});

test('fails for a certificate of another CA', async () => {
  const authority = await Authority.make();
  const receiver = await Receiver.start(accept, await tlsServer(authority));
  const other = await Authority.make('other');
  for (const tls of [{ ca: other.file }, undefined]) {
    const error = await deliveryFailure(await open(receiver.url(), { tls }));
    expect(error.message).toMatch(/certificate of 127\.0\.0\.1:\d+ is not accepted \(.+\): name its CA/);
  }
});

test('fails for a certificate with another name', async () => {
  const authority = await Authority.make();
  const receiver = await Receiver.start(accept, await tlsServer(authority, ['DNS:receiver.example']));
  const error = await deliveryFailure(await open(receiver.url(), { tls: { ca: authority.file } }));
  expect(error.message).toMatch(/certificate of 127\.0\.0\.1:\d+ is not accepted/);
});

test('fails if the receiver has no TLS', async () => {
  const receiver = await Receiver.start();
  const error = await deliveryFailure(await open(receiver.url().replace('http:', 'https:')));
  expect(error.message).toMatch(/TLS with 127\.0\.0\.1:\d+ failed: wrong version number|packet length/);
});

test('reports unusable files of TLS at opening', async () => {
  const error = await openFailure('https://receiver.example', { tls: { ca: '/no/such/file' } });
  expect(error).toMatchObject({ code: 'BAD_CERTIFICATE', field: '--to-tls-ca' });
});

test.each([
  'https://127.0.0.1/',
  'https://127.1/',
  'https://0x7f000001/',
  'https://2130706433/',
  'https://0177.0.0.1/',
  'https://127.0.0.1./',
  'https://１２７.０.０.１/',
  'https://10.1.2.3/',
  'https://169.254.169.254/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'http://receiver.example/',
])('refuses %s unless private addresses are allowed', async (url) => {
  const error = await openFailure(url);
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'to' });
  expect(error.message).toContain('--allow-private');
  await (await openWebhook(new URL(url), { allowPrivate: true })).close();
});

test.each([
  ['https://user:pass@receiver.example/', /--secret-file/],
  ['https://user@receiver.example/', /--secret-file/],
  ['ftp://receiver.example/', /use https:/],
])('refuses %s', async (url, message) => {
  const error = await openFailure(url, { allowPrivate: true });
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'to' });
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('pass@');
});

test('refuses a name that resolves to a private address, before it connects', async () => {
  const authority = await Authority.make();
  const receiver = await Receiver.start(accept, await tlsServer(authority));
  const target = await open(`https://localhost:${receiver.port}/`, { allowPrivate: false });
  const error = await deliveryFailure(target);
  expect(error.message).toMatch(/localhost to (127\.0\.0\.1|::1), which is not public.*--allow-private/);
  expect(receiver.connections).toBe(0);
});

test('ignores proxies of the environment', async () => {
  const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];
  for (const name of names) process.env[name] = `http://${NOBODY}`;
  disposables.push(() => {
    for (const name of names) delete process.env[name];
  });
  const receiver = await Receiver.start();
  await (await open(receiver.url())).deliver(EVENTS, 'delivery-1', unhurried);
  expect(receiver.requests).toHaveLength(1);
});

/** A request that has arrived. */
interface Received {
  method: string | undefined;
  url: string | undefined;
  headers: Record<string, string>;
  body: string;
  wasAborted: boolean;
}

/** A server that records requests, until the end of the test. */
class Receiver {
  readonly requests: Received[] = [];
  connections = 0;
  readonly port: number;
  readonly #protocol: string;

  static async start(respond: RequestListener = accept, server: Server = createServer()): Promise<Receiver> {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    disposables.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return new Receiver(server, respond);
  }

  private constructor(server: Server, respond: RequestListener) {
    this.port = (server.address() as AddressInfo).port;
    this.#protocol = 'setSecureContext' in server ? 'https:' : 'http:';
    server.on('connection', () => {
      this.connections += 1;
    });
    server.on('request', async (request, response) => {
      const received = await receive(request);
      response.on('close', () => {
        received.wasAborted = !response.writableFinished;
      });
      this.requests.push(received);
      respond(request, response);
    });
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get last(): Received | undefined {
    return this.requests.at(-1);
  }

  url(path = '/'): string {
    return `${this.#protocol}//${this.host}${path}`;
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const { method, url } = request;
  const headers = request.headers as Record<string, string>;
  return { method, url, headers, body: await text(request), wasAborted: false };
}

function accept(...[, response]: Parameters<RequestListener>): void {
  response.writeHead(204).end();
}

/** A server that requires client certificates. */
async function tlsServer(authority: Authority, names?: string[]): Promise<Server> {
  const pair = await authority.issue(names && { names });
  const [ca, cert, key] = await Promise.all(
    [authority.file, pair.cert, pair.key].map((path) => readFile(path)),
  );
  return createTlsServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true });
}

/** A webhook until the end of the test, that may deliver to this machine. */
async function open(url: string, options: WebhookOptions = {}): Promise<WebhookTarget> {
  const target = await openWebhook(new URL(url), { allowPrivate: true, ...options });
  disposables.push(() => target.close());
  return target;
}

/** Why a webhook cannot be opened. */
async function openFailure(url: string, options?: WebhookOptions): Promise<ImstateError> {
  const error = await openWebhook(new URL(url), options).catch((reason) => reason);
  expect(error).toBeInstanceOf(ImstateError);
  return error;
}

/** Why a delivery fails. */
async function deliveryFailure(target: WebhookTarget, events = EVENTS): Promise<DeliveryError> {
  const error = await target.deliver(events, 'delivery-1', unhurried).catch((reason) => reason);
  expect(error).toBeInstanceOf(DeliveryError);
  return error;
}

function isSignedBy(secret: string, received: Received | undefined): boolean {
  const { body = '', headers = {} } = received ?? {};
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

async function secretFile(content: string): Promise<string> {
  const path = join(await scratchDirectory(), 'secrets');
  await writeFile(path, content);
  return path;
}

function secretOf(seed: number): string {
  return `whsec_${Buffer.alloc(32, seed).toString('base64')}`;
}
