import { expect, test } from 'vitest';
import type { DaemonOptions } from '../../../../src/daemon/daemonOptions.ts';
import { TrustedProxies } from '../../../../src/daemon/http/trustedProxies.ts';
import { TokenFile } from '../../../support/credentials.ts';
import { startDaemon } from '../../../support/disposables.ts';
import { ask } from '../../../support/http.ts';

const NAME = 'presence.example';
const http = { addr: '127.0.0.1', port: 0 };
const trusting = { ...http, trustedProxies: ['127.0.0.0/8'] };
type Headers = Record<string, string>;

/** The headers of Traefik 3 with its defaults, for a browser without Sec-Fetch headers. */
const TRAEFIK = {
  host: NAME,
  origin: `https://${NAME}`,
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-host': NAME,
  'x-forwarded-port': '443',
  'x-forwarded-proto': 'https',
  'x-forwarded-server': 'traefik-6d8f',
  'x-real-ip': '203.0.113.9',
};

/** A daemon, and its response to an eviction with given headers. */
async function startEvicting(options: Partial<DaemonOptions>, token?: string) {
  const daemon = await startDaemon(options);
  const credential: Headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const evict = async (headers: Headers) => {
    const all = { 'content-type': 'application/json', ...credential, ...headers };
    const answer = await ask(`${daemon.http}/api/v1/evict`, {
      method: 'POST',
      headers: all,
      body: '{"userId":"alice"}',
    });
    return { status: answer.status, message: JSON.parse(answer.text).error?.message as string | undefined };
  };
  const look = async (headers: Headers) => (await ask(`${daemon.http}/api/v1/stats`, { headers })).status;
  return { evict, look, logged: daemon.logged };
}

test.each<[string, Headers]>([
  ['with its own Host', { host: '127.0.0.1:9090', origin: `https://${NAME}` }],
  ['with the Host of the browser', { host: NAME, origin: `https://${NAME}` }],
  ['as Traefik sends it', TRAEFIK],
])('accepts a proxy with TLS without a flag, %s', async (_, headers) => {
  const { evict, look } = await startEvicting({ http });
  const secure = { ...headers, 'sec-fetch-site': 'same-origin' };
  expect(await evict(secure)).toEqual({ status: 200 });
  const { origin: _origin, ...read } = secure as Headers;
  expect(await look(read)).toBe(200);
});

test.each<[string, Headers]>([
  ['Traefik', TRAEFIK],
  ['Traefik without passHostHeader', { ...TRAEFIK, host: '10.42.0.7:9090' }],
  [
    'Traefik on another port',
    {
      ...TRAEFIK,
      origin: `https://${NAME}:8443`,
      'x-forwarded-host': `${NAME}:8443`,
      'x-forwarded-port': '8443',
    },
  ],
  [
    'nginx with $host and $server_port',
    { ...TRAEFIK, origin: `https://${NAME}:8443`, 'x-forwarded-port': '8443' },
  ],
  [
    'a proxy that passes the Host on',
    { host: NAME, origin: `https://${NAME}`, 'x-forwarded-proto': 'https' },
  ],
  ['a proxy that adds its values', { ...TRAEFIK, 'x-forwarded-host': `other.example, ${NAME}` }],
])('uses the headers of %s if it is trusted', async (_, headers) => {
  const trusted = await startEvicting({ http: trusting });
  expect(await trusted.evict(headers)).toEqual({ status: 200 });
  const other = await startEvicting({ http: { ...http, trustedProxies: ['10.0.0.0/8', '::1'] } });
  expect((await other.evict(headers)).status).toBe(403);
});

test.each<[string, Headers]>([
  ['another site', { host: NAME, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['a sibling subdomain', { host: NAME, origin: `https://www.${NAME}`, 'sec-fetch-site': 'same-site' }],
  ['another site without Sec-Fetch', { ...TRAEFIK, origin: 'https://evil.example' }],
  ['a sibling subdomain without Sec-Fetch', { ...TRAEFIK, origin: `https://www.${NAME}` }],
  ['a name that begins with the same', { ...TRAEFIK, origin: `https://${NAME}.evil.example` }],
  ['another port', { ...TRAEFIK, origin: `https://${NAME}:8443` }],
  ['the same name without TLS', { ...TRAEFIK, origin: `http://${NAME}` }],
  ['an opaque origin', { ...TRAEFIK, origin: 'null' }],
  ['an opaque origin and host', { ...TRAEFIK, origin: 'null', 'x-forwarded-host': 'null' }],
  ['an origin that is empty', { ...TRAEFIK, origin: '' }],
  ['a host with the origin as its user', { ...TRAEFIK, 'x-forwarded-host': `evil@${NAME}` }],
  ['a caller who sent the header first', { ...TRAEFIK, 'x-forwarded-host': `${NAME}, evil.example` }],
  ['DNS rebinding', { host: 'evil.example', origin: 'http://evil.example', 'x-forwarded-proto': 'http' }],
  [
    'DNS rebinding with a forged scheme',
    { host: 'evil.example', origin: 'http://evil.example', 'x-forwarded-proto': 'https' },
  ],
  [
    'DNS rebinding that claims to be the same site',
    { host: 'evil.example', origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
  ],
])('rejects evictions by %s with and without trust', async (_, headers) => {
  const origins = [`https://${NAME}`, `http://${NAME}`].filter((each) => each !== headers.origin);
  for (const options of [http, trusting, { ...trusting, origins }]) {
    const { evict } = await startEvicting({ http: options });
    expect((await evict(headers)).status).toBe(403);
  }
});

test('ignores host, scheme and address that an untrusted peer claims', async () => {
  const { evict, look, logged } = await startEvicting({ http: { ...http, trustedProxies: ['203.0.113.9'] } });
  const spoofed = { ...TRAEFIK, host: 'evil.example', origin: 'http://evil.example' };
  expect((await evict({ ...spoofed, 'x-forwarded-host': 'evil.example' })).status).toBe(403);
  expect(await look({ host: 'evil.example', 'x-forwarded-host': '10.0.0.1' })).toBe(403);
  expect(await look({ host: 'evil.example', 'x-forwarded-proto': 'https' })).toBe(403);
  expect(await evict({ 'x-forwarded-for': '203.0.113.9' })).toEqual({ status: 200 });
  expect(logged.join('')).not.toContain('203.0.113.9');
});

test('logs the caller that a trusted proxy forwards', async () => {
  const { evict, logged } = await startEvicting({ http: trusting });
  await evict({ 'x-forwarded-for': '198.51.100.1, 203.0.113.9, 127.0.0.8' });
  expect(logged.join('')).toContain('"peer":"203.0.113.9"');
});

test('answers only the name of --http-origin', async () => {
  const { evict, look } = await startEvicting({ http: { ...http, origins: [`http://${NAME}:8000`] } });
  expect(await evict({ origin: `http://${NAME}:8000` })).toEqual({ status: 200 });
  expect(await evict({ origin: `http://${NAME}:8000`, host: `${NAME}:8000` })).toEqual({ status: 200 });
  expect(await look({ host: NAME })).toBe(200);
  expect((await evict({ origin: `http://${NAME}` })).status).toBe(403);
  expect((await evict({ origin: `http://${NAME}:8000`, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect(await look({ host: 'evil.example' })).toBe(403);
});

test('explains in a rejection without TLS how to set the origin', async () => {
  const { evict } = await startEvicting({ http });
  const origin = `http://${NAME}:8000`;
  expect((await evict({ origin })).message).toContain(`--http-origin ${origin}`);
  expect((await evict({ origin, host: `${NAME}:8000` })).message).toContain(`--http-origin ${origin}`);
  expect((await evict({ origin: 'null' })).message).not.toContain('--http-origin');
});

test('rejects pages of another origin despite a credential', async () => {
  const file = await TokenFile.make();
  const { evict } = await startEvicting({ http, auth: { tokens: file.path } }, file.tokens.admin);
  expect(await evict({ host: NAME, origin: `https://${NAME}` })).toEqual({ status: 200 });
  expect((await evict({ host: NAME, origin: `https://www.${NAME}` })).status).toBe(403);
  expect((await evict({ host: NAME, origin: 'null' })).status).toBe(403);
});

test.each([
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '::ffff:10.0.0.1', true],
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['fd00::/8', 'fd12::1', true],
  ['fd00::/8', 'fe80::1', false],
  ['::1', '::1', true],
])('%s trusts %s: %s', (subnet, remoteAddress, isTrusted) => {
  const request = {
    socket: { remoteAddress, remotePort: 1 },
    headers: { 'x-forwarded-for': '[2001:db8::1]:7' },
  };
  const peer = new TrustedProxies([subnet]).peerOf(request as never);
  expect(peer === '2001:db8::1').toBe(isTrusted);
});

test.each([
  'nginx',
  '10.0.0.1:80',
  '10.0.0.0/33',
  '10.0.0/8',
  '::/129',
  '0.0.0.0/0',
  '::/0',
  'fe80::1%eth0',
  '',
])('rejects "%s" as a trusted proxy', (subnet) => {
  expect(() => new TrustedProxies([subnet])).toThrow();
});
