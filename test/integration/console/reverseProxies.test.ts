import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import type { DaemonOptions } from '../../../src/daemon/daemonOptions.ts';
import { Authority, type Pair } from '../../support/authority.ts';
import { testBrowser } from '../../support/browser.ts';
import { see } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { type StartProxy, startCaddy, startNginx } from '../../support/reverseProxies.ts';
import { freePort } from '../../support/servers.ts';

const NAME = 'presence.example';
const FOREIGN = 'evil.example';
const FORWARDED = [
  'proxy_set_header X-Forwarded-Host $http_host',
  'proxy_set_header X-Forwarded-Proto $scheme',
];
const browser = testBrowser(NAME, FOREIGN);

let tls: Pair;

beforeEach(async () => {
  tls = await (await Authority.make()).issue({ names: [`DNS:${NAME}`] });
});

/** A proxy, its origin of the console, and the options of the daemon behind it. */
async function behind(startProxy: StartProxy, { isSecure = false, directives = [] as string[] } = {}) {
  const upstream = await freePort();
  const { port } = await startProxy({ upstream, tls: isSecure ? tls : undefined, directives });
  const http = { addr: '127.0.0.1', port: upstream };
  return { http, port, origin: `${isSecure ? 'https' : 'http'}://${NAME}:${port}` };
}

/** A daemon on which alice is online, and a function that checks whether she still is. */
async function startWithAlice(options: Partial<DaemonOptions>, token?: string) {
  const daemon = await startDaemon(options);
  const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000, token });
  disposables.push(() => client.close());
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  return async () => (await client.getUser({ userId: 'alice', deviceId: 'phone' })).online;
}

function openAlice(origin: string): Promise<Page> {
  return browser.open(`${origin}/console/#/users/alice`, { ignoreHTTPSErrors: true });
}

async function evict(page: Page): Promise<void> {
  await page.locator('#user tr', { hasText: 'phone' }).getByRole('button', { name: 'Evict' }).click();
  await page.getByRole('button', { name: 'End the session' }).click();
}

test.each([
  ['nginx', startNginx, []],
  ['nginx that passes the name on', startNginx, ['proxy_set_header Host $host']],
  ['Caddy', startCaddy, []],
])('evicts behind %s with TLS without a flag', async (_, startProxy, directives) => {
  const { http, origin } = await behind(startProxy, { isSecure: true, directives });
  const isOnline = await startWithAlice({ http });
  const page = await openAlice(origin);
  await evict(page);
  await see(page, '#user tr', /phone.*evicted/s);
  expect(await isOnline()).toBe(false);
});

test.each([
  ['nginx', startNginx],
  ['Caddy', startCaddy],
])('evicts behind %s without TLS at the origin of --http-origin', async (_, startProxy) => {
  const { http, origin } = await behind(startProxy);
  const isOnline = await startWithAlice({ http: { ...http, origins: [origin] } });
  const page = await openAlice(origin);
  await evict(page);
  await see(page, '#user tr', /phone.*evicted/s);
  expect(await isOnline()).toBe(false);
});

test('evicts with a token behind a trusted proxy without TLS', async () => {
  const { http, origin } = await behind(startNginx, { directives: FORWARDED });
  const file = await TokenFile.make();
  const { admin } = file.tokens as { admin: string };
  const auth = { tokens: file.path };
  const isOnline = await startWithAlice({ auth, http: { ...http, trustedProxies: ['127.0.0.1'] } }, admin);
  const page = await openAlice(origin);
  await page.getByLabel('Token').fill(admin);
  await page.keyboard.press('Enter');
  await evict(page);
  await see(page, '#user tr', /phone.*evicted/s);
  expect(await isOnline()).toBe(false);
});

test('names --http-origin in the error behind nginx without TLS', async () => {
  const { http, origin } = await behind(startNginx);
  const isOnline = await startWithAlice({ http });
  const page = await openAlice(origin);
  await evict(page);
  await see(page, 'dialog .fault', `--http-origin ${origin}`);
  expect(await isOnline()).toBe(true);
});

test('shows errors of daemon and proxy in Chinese', async () => {
  const { http, origin } = await behind(startNginx);
  const daemon = await startDaemon({ http });
  const client = await clientOf(daemon.addr);
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  const page = await browser.open(`${origin}/console/#/users/alice`, { locale: 'zh-CN' });
  await page.locator('#user tr', { hasText: 'phone' }).getByRole('button', { name: '强制下线' }).click();
  await page.getByRole('button', { name: '结束 1 个会话' }).click();
  await see(page, 'dialog .fault', /^请求被拒绝.*--http-origin/s);
  await page.getByRole('button', { name: '取消' }).click();
  await daemon.stop();
  await see(page, '#banner', /HTTP 502.*反向代理/s);
});

test('names --http-origin in the error behind Caddy without TLS', async () => {
  const { http, origin } = await behind(startCaddy);
  await startWithAlice({ http });
  await see(await openAlice(origin), '#main .note', `--http-origin ${origin}`);
});

test('rejects evictions from a foreign name that resolves to the proxy (DNS rebinding)', async () => {
  const { http, origin, port } = await behind(startNginx, { directives: FORWARDED });
  const isOnline = await startWithAlice({ http: { ...http, origins: [origin] } });
  const page = await openAlice(`http://${FOREIGN}:${port}`);
  await evict(page);
  await see(page, 'dialog .fault', 'pages of another origin are rejected');
  expect(await isOnline()).toBe(true);
});

test('shows nothing for a foreign name that resolves to a trusted proxy', async () => {
  const { http, origin, port } = await behind(startCaddy);
  const options = { ...http, origins: [origin], trustedProxies: ['127.0.0.1'] };
  const isOnline = await startWithAlice({ http: options });
  await see(await openAlice(`http://${FOREIGN}:${port}`), '#main .note', `not as ${FOREIGN}`);
  expect(await isOnline()).toBe(true);
});
