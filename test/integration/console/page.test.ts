import { expect, test } from 'vitest';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { clientOf, disposables, startDaemon } from '../../support/disposables.ts';
import { ask } from '../../support/http.ts';
import { startRedis } from '../../support/servers.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

test('switches between English and Chinese, and remembers the choice', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('users/alice');
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#user .lead', '1 台设备中有 1 台在线。');
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
  await page.reload();
  await see(page, '#tabs', '集群');
  const chinese = await web.open('', { locale: 'zh-CN' });
  await see(chinese, '#tabs', '变更');
});

test('is dark if the system is, or if that is selected', async () => {
  const page = await web.open('', { colorScheme: 'dark' });
  const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const dark = await background();
  await page.locator('#theme').selectOption('light');
  const light = await background();
  expect(light).not.toBe(dark);
  await page.reload();
  expect(await background()).toBe(light);
  await page.locator('#theme').selectOption('auto');
  expect(await background()).toBe(dark);
});

test('can be used with the keyboard only', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('cluster');
  await see(page, '#servers tr', serverAddr);
  await page.keyboard.press('/');
  await page.locator('#search:focus').waitFor();
  await page.keyboard.type('alice');
  await page.keyboard.press('Enter');
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await see(page, '#user .detail:visible', 'Time to live');
  // Tab to the chat server, "Why?", and "Evict".
  for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await see(page, 'dialog', 'End 1 session?');
  // The focus is on "No" first.
  await page.keyboard.press('Enter');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await see(page, 'dialog', 'Keyboard shortcuts');
  await page.keyboard.press('Escape');
  await page.keyboard.press('3');
  await see(page, '#changes', 'Waiting for a change');
  await page.keyboard.press('4');
  await see(page, '#daemons tr', 'serves this page');
  expect((await web.client.getUser({ userId: 'alice' })).online).toBe(true);
});

test.each([
  ['phones', 360],
  ['desktops', 1_440],
])('fits %s', async (_, width) => {
  const long = 'i'.repeat(256);
  const details = {
    label: 'W'.repeat(64),
    appVersion: 'v'.repeat(32),
    platform: 'p'.repeat(32),
    clientIp: '2001:db8:1111:2222:3333:4444:5555:6666',
  };
  await web.client.online({ userId: 'alice', deviceId: `x${long.slice(1)}`, serverAddr, ...details });
  await web.client.evict({ userId: 'alice', reasonText: 'r'.repeat(256) });
  const wide = `${'s'.repeat(60)}.example:9000`;
  await web.client.online({ userId: 'alice', deviceId: long, serverAddr: wide, ...details });
  for (let i = 0; i < 30; i++)
    await web.client.online({ userId: 'alice', deviceId: `device-${i}`, serverAddr });
  await web.client.putPolicy({
    name: 'n'.repeat(64),
    classes: { ['c'.repeat(64)]: ['ios', 'android'] },
    limits: [{ per: 'class', class: 'c'.repeat(64), max: 1, onConflict: 'REJECT' }],
  });
  const relay = { name: 'r'.repeat(63), holderId: 'h', holder: 'o'.repeat(500) };
  const { fence } = await web.client.claimRelay({ ...relay, target: `https://${'t'.repeat(480)}` });
  await web.client.commitRelay({ ...relay, fence, failed: 1, lastError: 'e'.repeat(500) });
  const page = await web.open('', { viewport: { width, height: 800 } });
  const views = [
    ['users/alice', '#user tbody tr'],
    ['users?prefix=al', '#found tbody tr'],
    ['cluster', '#servers tbody tr'],
    ['changes', '#changes'],
    ['daemons', '#daemons tbody tr'],
    ['policies', '#policies tbody tr'],
    ['relays', '#relays tbody tr'],
    ['sessions/10.0.0.1%3A9000', '#sessions tbody tr'],
  ] as const;
  for (const [view, row] of views) {
    await page.evaluate(`location.hash = '#/${view}'`);
    await see(page, row);
    expect([view, await page.evaluate('document.scrollingElement.scrollWidth')]).toEqual([view, width]);
  }
});

test('runs only scripts and styles of its own files', async () => {
  const page = await web.openUrl(`${web.daemon.http}/console/`);
  const headers = (await page.request.get(`${web.daemon.http}/console/`)).headers();
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
      "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  );
  const html = await (await page.request.get(`${web.daemon.http}/console/`)).text();
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
});

test('can disable single-key shortcuts', async () => {
  const page = await web.open('cluster');
  await page.keyboard.press('?');
  await page.getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('3');
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await page.getByRole('checkbox').check();
  await page.keyboard.press('Escape');
  expect(new URL(page.url()).hash).toBe('#/cluster');
  await page.keyboard.press('3');
  await see(page, '#changes', 'Waiting for a change');
});

test('keeps the focus while a table is redrawn', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('users/alice');
  const evict = page.locator('#user tr', { hasText: 'phone' }).getByRole('button', { name: 'Evict' });
  await evict.focus();
  await web.client.online({ userId: 'alice', deviceId: 'web', serverAddr });
  await see(page, '#user tr', 'web');
  expect(await evict.evaluate((button) => button.matches(':focus'))).toBe(true);
});

test('reports a daemon that does not respond, and continues when it does', async () => {
  const page = await web.open('users/alice');
  await see(page, '#link[data-state=live]');
  const { port } = new URL(web.daemon.http as string);
  const { dataDir } = web.daemon;
  await web.daemon.stop();
  await see(page, '#banner', 'No connection to the daemon since');
  const next = await startDaemon({ http: { ...http, port: Number(port) }, dataDir });
  const client = await clientOf(next.addr);
  await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  expect(await page.locator('#banner').isVisible()).toBe(false);
});

test('reports an unavailable store with the message of the daemon', async () => {
  const redis = await startRedis();
  disposables.push(() => redis.stop());
  const daemon = await startDaemon({ http, redis: redis.url });
  redis.freeze();
  disposables.push(() => redis.thaw());
  await until(async () => (await ask(`${daemon.http}/readyz`)).status === 503, 'the store is unavailable');
  const page = await web.openUrl(`${daemon.http}/console/#/users/alice`);
  await see(page, '#banner', /Not updated since .+: .+\. Reconnecting/);
  redis.thaw();
  await see(page, '#link[data-state=live]');
});
