import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { testBrowser } from '../support/browser.ts';
import { TokenFile } from '../support/credentials.ts';
import type { TestDaemon } from '../support/daemon.ts';
import { clientOf, startDaemon, undo } from '../support/undo.ts';
import { until } from '../support/until.ts';

const http = { addr: '127.0.0.1', port: 0 };
const serverAddr = '10.0.0.1:9000';
const browser = testBrowser();

let daemon: TestDaemon;
let client: Client;

beforeEach(async () => {
  daemon = await startDaemon({ http });
  client = await clientOf(daemon.addr);
});

/** Opens a view, such as `users/alice`. */
function open(view = '', options: Parameters<typeof browser.open>[1] = {}): Promise<Page> {
  return browser.open(`${daemon.http}/console/#/${view}`, options);
}

/** Waits for an element that has the text. */
async function see(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor();
}

describe('a user', () => {
  test('is searched for and shown with devices, chat servers, since when and why', async () => {
    await client.online({
      userId: 'alice',
      deviceId: 'phone',
      serverAddr,
      platform: 'ios',
      sessionId: 's-1',
    });
    await client.online({ userId: 'alice', deviceId: 'web', serverAddr: '10.0.0.2:9000', ttlMs: 60_000 });
    await client.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's-1' });
    const page = await browser.open(daemon.http as string);
    await page.getByRole('searchbox', { name: 'User id' }).fill('alice');
    await page.getByRole('button', { name: 'Search' }).click();
    await see(page, '#user .lead', 'alice is online on 1 of 2 devices.');
    await see(page, '#user tr', /phone.*ios.*logged out.*10\.0\.0\.1:9000.*s-1/s);
    await see(page, '#user tr', /web.*online.*10\.0\.0\.2:9000/s);
    await page.locator('#user tr', { hasText: 'web' }).getByRole('button', { name: 'Why?' }).click();
    await see(page, '#user .detail', /nothing has ended its session.*1 min: expires/s);
    expect(new URL(page.url()).hash).toBe('#/users/alice');
  });

  test('is shown anew as soon as something changes', async () => {
    const page = await open('users/alice');
    await see(page, '#user .lead', 'alice has not been online lately.');
    await see(page, '#link[data-state=live]', '');
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    await see(page, '#user .lead', 'alice is online on 1 of 1 device.');
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await see(page, '#user .lead', 'alice is offline.');
  });

  test('has a history as a timeline with a bar a session, and as a table', async () => {
    for (const sessionId of ['s-1', 's-2', 's-3'])
      await client.online({ userId: 'alice', deviceId: 'phone', serverAddr, sessionId });
    await client.online({ userId: 'alice', deviceId: 'web', serverAddr });
    const page = await open('users/alice');
    await page.locator('#history .timeline svg').waitFor();
    expect(await page.locator('#history .bar').count()).toBe(4);
    expect(await page.locator('#history .bar.REPLACED').count()).toBe(2);
    expect(await page.locator('#history .bar.online').count()).toBe(2);
    expect(await page.locator('#history tbody tr').count()).toBe(4);
    expect(await page.locator('#history .timeline svg').getAttribute('aria-label')).toContain(
      '4 sessions on 2 devices',
    );
    await page.getByRole('button', { name: '1 h', exact: true }).click();
    expect(await page.locator('#history .bar').count()).toBe(4);
  });

  test('with a name that is markup is shown as what it is', async () => {
    const userId = '<img src=x onerror="document.title=1"><b>bold</b>';
    await client.online({ userId, deviceId: '<i>device</i>', serverAddr, metadata: { '<u>': '&amp;' } });
    const page = await open(`users/${encodeURIComponent(userId)}`);
    await see(page, '#user h2', userId);
    expect(await page.locator('#user b, #user img, #user i, #user u').count()).toBe(0);
    expect(await page.title()).toBe('Users · imstate');
  });
});

describe('the cluster', () => {
  test('is shown with counts, leases, daemons, and charts that go on', async () => {
    const server = client.server({ addr: serverAddr, incarnation: 7 });
    undo.push(() => server.close());
    await server.ready;
    await server.online({ userId: 'alice', deviceId: 'phone', platform: 'ios' });
    await client.online({ userId: 'bob', deviceId: 'web', serverAddr: '10.0.0.2:9000' });
    const page = await open('cluster');
    await see(page, '#servers tr', /10\.0\.0\.1:9000.*1.*alive.*7/s);
    await see(page, '#servers tr', /10\.0\.0\.2:9000.*1.*none/s);
    await see(page, '#daemons tr', new RegExp(`${daemon.addr}.*registered.*shows this page`, 's'));
    await see(page, '#platforms tr', /ios/);
    await see(page, '#count-users', '2');
    await page.locator('#online canvas').waitFor();
    await page.locator('#rate canvas').waitFor();
    await client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
    await see(page, '#count-devices', '3');
    const drawn = await page.locator('#online canvas').evaluate('canvas => canvas.toDataURL()');
    await until(
      async () => (await page.locator('#online canvas').evaluate('canvas => canvas.toDataURL()')) !== drawn,
      'the chart goes on',
    );
  });

  test('leads from a chat server to its changes', async () => {
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    const page = await open('cluster');
    await page.locator('#servers tr', { hasText: serverAddr }).click();
    await see(page, '#link[data-state=live]', '');
    await client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
    await client.online({ userId: 'carol', deviceId: 'phone', serverAddr });
    await see(page, '#changes tbody tr', 'carol');
    expect(await page.locator('#changes tbody tr', { hasText: 'bob' }).count()).toBe(0);
  });
});

describe('the changes', () => {
  test('are shown as they happen, newest first, and lead to their user', async () => {
    const page = await open('changes');
    await see(page, '#link[data-state=live]', '');
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr, platform: 'ios' });
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await see(page, '#changes tbody tr:nth-child(1)', /alice.*phone.*logged out.*10\.0\.0\.1:9000/s);
    await see(page, '#changes tbody tr:nth-child(2)', /alice.*phone.*ios.*online/s);
    await page.locator('#changes tbody tr:nth-child(1)').click();
    await see(page, '#user .lead', 'alice is offline.');
  });

  test('are filtered by user and by kind, and pause', async () => {
    const page = await open('changes');
    await page.getByRole('combobox', { name: 'Whose changes' }).selectOption('user');
    await page.getByRole('searchbox', { name: 'User ids' }).fill('alice, bob');
    await page.keyboard.press('Enter');
    await page.waitForURL(/user%3Dalice/);
    await see(page, '#link[data-state=live]', '');
    for (const userId of ['carol', 'alice', 'bob'])
      await client.online({ userId, deviceId: 'phone', serverAddr });
    await client.offline({ userId: 'bob', deviceId: 'phone' });
    await see(page, '#changes tbody tr', /bob.*logged out/s);
    expect(await page.locator('#changes tbody tr').count()).toBe(3);
    await page.getByRole('combobox', { name: 'Kind of change' }).selectOption('logout');
    await until(async () => (await page.locator('#changes tbody tr').count()) === 1, 'one is left');
    await page.getByRole('button', { name: 'Pause' }).click();
    await client.offline({ userId: 'alice', deviceId: 'phone' });
    await see(page, '#pause', 'Go on (1 new)');
    expect(await page.locator('#changes tbody tr').count()).toBe(1);
    await page.locator('#pause').click();
    await see(page, '#changes tbody tr', 'alice');
  });

  test('that happen while the connection is away follow when it is back', async () => {
    const page = await open('changes');
    await see(page, '#link[data-state=live]', '');
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    await see(page, '#changes tbody tr', 'alice');
    const { port } = new URL(daemon.http as string);
    const { dataDir } = daemon;
    await daemon.stop();
    await see(page, '#link[data-state=away]', '');
    const next = await startDaemon({ http: { addr: '127.0.0.1', port: Number(port) }, dataDir });
    const other = await clientOf(next.addr);
    await other.online({ userId: 'bob', deviceId: 'phone', serverAddr });
    await see(page, '#link[data-state=live]', '');
    await see(page, '#changes tbody tr', 'bob');
    expect(await page.locator('#changes tbody tr').count()).toBe(2);
  });
});

describe('to evict', () => {
  test('it asks first; a no changes nothing, a yes ends the session', async () => {
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    await client.online({ userId: 'alice', deviceId: 'web', serverAddr });
    const page = await open('users/alice');
    const evict = page.locator('#user tr', { hasText: 'phone' }).getByRole('button', { name: 'Evict' });
    await evict.click();
    await see(page, 'dialog', /End 1 session\?.*alice\/phone/s);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect((await client.getUser({ userId: 'alice', deviceId: 'phone' })).online).toBe(true);
    await evict.click();
    await page.getByRole('button', { name: 'End the session' }).click();
    await see(page, '#user tr', /phone.*evicted/s);
    expect((await client.getUser({ userId: 'alice', deviceId: 'phone' })).online).toBe(false);
    expect((await client.getUser({ userId: 'alice', deviceId: 'web' })).online).toBe(true);
  });

  test('a chat server it says how many, and ends them all', async () => {
    const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
    await Promise.all(users.map((userId) => client.online({ userId, deviceId: 'phone', serverAddr })));
    const page = await open('cluster');
    await page.locator('#servers tr', { hasText: serverAddr }).getByRole('button', { name: 'Evict' }).click();
    await page.getByRole('button', { name: 'End 300 sessions' }).click();
    await see(page, '#servers', 'No chat server has sessions or a lease.');
    expect((await client.getStats()).devicesOnline).toBe(0);
  });
});

describe('where callers need a credential', () => {
  let file: TokenFile;
  let guarded: TestDaemon;

  beforeEach(async () => {
    file = await TokenFile.make();
    guarded = await startDaemon({ http, auth: { tokens: file.path } });
  });

  test('a token is asked for, kept in the tab, and a reader may not evict', async () => {
    const page = await browser.open(`${guarded.http}/console/#/users/alice`);
    await page.getByLabel('Token').fill('imstate_wrong');
    await page.keyboard.press('Enter');
    await see(page, 'dialog .fault', 'the token is not known here');
    await page.getByLabel('Token').fill(file.tokens.reader as string);
    await page.keyboard.press('Enter');
    await see(page, '#foot', 'token "reader"');
    const { connect } = await import('../../src/client/index.ts');
    const writer = await connect({ endpoints: [guarded.addr], token: file.tokens.writer as string });
    undo.push(() => writer.close());
    await writer.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    await see(page, '#user tr', /phone.*online/s);
    expect(await page.getByRole('button', { name: 'Evict' }).count()).toBe(0);
    const kept = JSON.stringify(await page.evaluate('[{ ...localStorage }, document.cookie, location.href]'));
    expect(kept).not.toContain(file.tokens.reader);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
  });

  test('a token that is revoked is asked for anew', async () => {
    const page = await browser.open(`${guarded.http}/console/#/changes`);
    await page.getByLabel('Token').fill(file.tokens.admin as string);
    await page.keyboard.press('Enter');
    await see(page, '#link[data-state=live]', '');
    await file.remove('admin');
    await see(page, 'dialog .fault', 'was revoked');
    await page.getByLabel('Token').fill(file.tokens.reader as string);
    await page.keyboard.press('Enter');
    await see(page, '#foot', 'token "reader"');
    await see(page, '#link[data-state=live]', '');
  });
});

describe('the page', () => {
  test('speaks English and Chinese, and remembers which', async () => {
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    const page = await open('users/alice');
    await page.locator('#language').selectOption('zh-CN');
    await see(page, '#user .lead', 'alice 在线：1 台设备中有 1 台在线。');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await page.reload();
    await see(page, '#tabs', '集群');
    const chinese = await open('', { locale: 'zh-CN' });
    await see(chinese, '#tabs', '变更');
  });

  test('is dark where the system is, or where that is chosen', async () => {
    const page = await open('', { colorScheme: 'dark' });
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

  test('is used by the keyboard alone', async () => {
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    const page = await open('cluster');
    await see(page, '#servers tr', serverAddr);
    await page.keyboard.press('/');
    await page.locator('#search:focus').waitFor();
    await page.keyboard.type('alice');
    await page.keyboard.press('Enter');
    await see(page, '#user .lead', 'alice is online');
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await see(page, '#user .detail:visible', 'Time to live');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await see(page, 'dialog', 'End 1 session?');
    // A no is what comes first.
    await page.keyboard.press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await see(page, 'dialog', 'Keyboard shortcuts');
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await see(page, '#changes', 'Waiting for a change');
    expect((await client.getUser({ userId: 'alice' })).online).toBe(true);
  });

  test('fits a telephone and a desk', async () => {
    await client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
    for (const width of [375, 1_440]) {
      for (const view of ['users/alice', 'cluster', 'changes']) {
        const page = await open(view, { viewport: { width, height: 800 } });
        await page.locator('.panel').first().waitFor();
        expect([view, await page.evaluate('document.scrollingElement.scrollWidth')]).toEqual([view, width]);
      }
    }
  });

  test('runs no script and takes no style that is not its own file', async () => {
    const page = await browser.open(`${daemon.http}/console/`);
    const { headers } = { headers: (await page.request.get(`${daemon.http}/console/`)).headers() };
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    const html = await (await page.request.get(`${daemon.http}/console/`)).text();
    expect(html).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/);
  });
});
