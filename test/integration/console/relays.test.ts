import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { type Client, connect } from '../../../packages/client/src/index.ts';
import { formatRevision, parseRevision } from '../../../src/daemon/watch/revision.ts';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { EventReader } from '../../support/events.ts';

const web = testConsole();
const BILLING = {
  name: 'billing',
  holderId: 'h-1',
  holder: 'host-1:17',
  target: 'https://billing.example/in',
};

/** Claims a relay, and commits what it has done. */
async function deliver(
  progress: Omit<Parameters<Client['commitRelay']>[0], 'name' | 'holderId' | 'fence'> = {},
  relay = BILLING,
): Promise<void> {
  const { fence } = await web.client.claimRelay(relay);
  await web.client.commitRelay({ ...relay, fence, ...progress });
}

/** Renews the claim of the relay until the returned function is called. */
async function hold(): Promise<() => void> {
  const claim = () => web.client.claimRelay(BILLING);
  await claim();
  const timer = setInterval(() => void claim().catch(() => {}), 1_000);
  const release = () => clearInterval(timer);
  disposables.push(release);
  return release;
}

/** The revision of the last change. */
async function revisionNow(): Promise<string> {
  const reader = await EventReader.open(`${web.daemon.http}/api/v1/watch?all=true`);
  await reader.wait('synced');
  // The event `synced` has the revision as its ID.
  return reader.events.find(({ event }) => event === 'synced')?.id as string;
}

function login(userId: string) {
  return web.client.online({ userId, deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
}

async function stateOf(name: string): Promise<string | undefined> {
  return (await web.client.listRelays()).find((relay) => relay.name === name)?.state;
}

/** The cells of a relay, by their column. */
async function cellsOf(page: Page, name: string): Promise<Record<string, string>> {
  const cells = await page.locator(`#relays tr[data-key="relay ${name}"] td`).all();
  return Object.fromEntries(
    await Promise.all(
      cells.map(async (cell) => [await cell.getAttribute('data-label'), await cell.textContent()]),
    ),
  );
}

test('says how to start a relay if there is none, and shows one that begins', async () => {
  const page = await web.open('policies');
  await page.getByRole('link', { name: 'Relays' }).click();
  await see(page, '#relays .note', 'There are no relays. Start one with imstate relay run.');
  expect(new URL(page.url()).hash).toBe('#/relays');
  await see(page, '#tabs [aria-current]', 'Relays');
  await hold();
  await see(page, '#relays tr', /billing.*running.*host-1:17/s);
});

test('shows state, holder, target, deliveries, lag and last error', async () => {
  const revision = await revisionNow();
  await hold();
  await deliver({ revision, delivered: 12_345, failed: 2, lastError: 'HTTP 503: try later' });
  await deliver({}, { ...BILLING, name: 'new' });
  await login('alice');
  await login('bob');
  const page = await web.open('relays');
  await see(page, '#relays tr', 'billing');
  expect(await cellsOf(page, 'billing')).toEqual({
    Relay: 'billing',
    State: 'running',
    Holder: 'host-1:17',
    Target: 'https://billing.example/in',
    Delivered: '12,345',
    Failed: '2',
    Lag: expect.stringMatching(/^\d+ s2 changes$/),
    'Last error': 'HTTP 503: try later',
    Action: 'Pause',
  });
  expect(await cellsOf(page, 'new')).toMatchObject({ Delivered: '0', Lag: 'unknown', 'Last error': '–' });
  // A delivery ends the lag and the error.
  await deliver({ revision: await revisionNow(), delivered: 2 });
  await see(page, '#relays tr', /billing.*12,347.*none–Pause/s);
});

test('says when changes are gone, and colours the states', async () => {
  const positions = parseRevision(await revisionNow());
  const release = await hold();
  await deliver({ revision: formatRevision([...positions, ...positions]) });
  await deliver({ pause: true }, { ...BILLING, name: 'held' });
  const page = await web.open('relays');
  await see(page, '#relays tr', /billing.*changes are gone: snapshots follow/s);
  const tones = page.locator('#relays td:nth-child(2) .badge');
  const classes = () => tones.evaluateAll((all) => all.map((each) => each.className));
  expect(await classes()).toEqual(['badge online', 'badge EXPIRED']);
  release();
  await see(page, '#relays tr', /billing.*stopped/s);
  expect(await classes()).toEqual(['badge EVICTED', 'badge EXPIRED']);
});

test('pauses and resumes a relay after a confirmation', async () => {
  await deliver();
  const page = await web.open('relays');
  const dialog = page.locator('dialog');
  await page.getByRole('button', { name: 'Pause billing' }).click();
  await see(page, 'dialog', /Pause this relay\?.*billing.*delivers nothing until somebody resumes it/s);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await stateOf('billing')).not.toBe('PAUSED');
  await page.getByRole('button', { name: 'Pause billing' }).click();
  await dialog.getByRole('button', { name: 'Pause' }).click();
  await see(page, '#relays tr', /billing.*paused/s);
  await see(page, '#status', 'billing is paused');
  expect(await stateOf('billing')).toBe('PAUSED');
  await page.getByRole('button', { name: 'Resume billing' }).click();
  await see(page, 'dialog', /Resume this relay\?.*continues after the last change/s);
  await dialog.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause billing' }).waitFor();
  await see(page, '#status', 'billing is resumed');
  expect(await stateOf('billing')).not.toBe('PAUSED');
  await page.getByRole('link', { name: 'Audit' }).click();
  await see(page, '#audit tr', /anonymous.*Pause or resume relay.*billing.*relay.*done.*resumed/s);
  await page.locator('select[name=action]').selectOption('pause_relay');
  await expect.poll(() => page.locator('#audit tbody tr').count()).toBe(2);
});

test('keeps the dialog open and shows why a relay cannot be paused', async () => {
  await deliver();
  const page = await web.open('relays', { locale: 'zh-CN' });
  await page.getByRole('button', { name: '暂停 billing' }).click();
  await page.route('**/api/v1/relays/billing/pause', (route) =>
    route.continue({ url: route.request().url().replace('billing', 'gone') }),
  );
  await page.locator('dialog').getByRole('button', { name: '暂停' }).click();
  await see(page, 'dialog .fault', '没有名为 "gone" 的中继');
  await page.unroute('**/api/v1/relays/billing/pause');
  await page.locator('dialog').getByRole('button', { name: '暂停' }).click();
  await see(page, '#relays tr', '已暂停');
});

test('offers no buttons without the role admin', async () => {
  const file = await TokenFile.make();
  const guarded = await startDaemon({ http, auth: { tokens: file.path } });
  const client = await connect({ endpoints: [guarded.addr], token: file.tokens.writer as string });
  disposables.push(() => client.close());
  await client.claimRelay(BILLING);
  const page = await web.openUrl(`${guarded.http}/console/#/relays`);
  await page.getByLabel('Token').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#relays tr', 'billing');
  expect(await page.locator('#relays').getByRole('button').count()).toBe(0);
});

test('shows texts with markup as text', async () => {
  const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
  await deliver(
    { lastError: `answered ${markup}` },
    { ...BILLING, holder: markup, target: `nats:${markup}` },
  );
  const page = await web.open('relays');
  await see(page, '#relays tr', `answered ${markup}`);
  expect(await cellsOf(page, 'billing')).toMatchObject({ Holder: markup, Target: `nats:${markup}` });
  expect(await page.locator('main :is(b, img)').count()).toBe(0);
  expect(await page.title()).toBe('Relays · imstate');
});

test('can be used with the keyboard only', async () => {
  await deliver();
  const page = await web.open('policies');
  await see(page, '#default-policy h2');
  await page.keyboard.press('6');
  await see(page, '#relays tr', 'billing');
  await page.keyboard.press('ArrowDown');
  await page.locator('#relays tr:focus', { hasText: 'billing' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await see(page, 'dialog', 'Pause this relay?');
  // The focus is on "Cancel" first.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await see(page, '#relays tr', 'paused');
  await page.locator('button:focus', { hasText: 'Resume' }).waitFor();
});

test('reports a daemon that does not respond, and continues when it does', async () => {
  await deliver();
  const page = await web.open('relays');
  await see(page, '#relays tr', 'billing');
  const { port } = new URL(web.daemon.http as string);
  const { dataDir } = web.daemon;
  await web.daemon.stop();
  await see(page, '#banner', 'No connection to the daemon since');
  await startDaemon({ http: { ...http, port: Number(port) }, dataDir });
  await page.locator('#banner').waitFor({ state: 'hidden' });
  await see(page, '#relays tr', 'billing');
});

test('is there in Chinese', async () => {
  const page = await web.open('relays', { locale: 'zh-CN' });
  await see(page, '#relays .note', '还没有中继，可用 imstate relay run 启动。');
  await deliver({ revision: await revisionNow(), delivered: 1_234, failed: 1, lastError: 'HTTP 503' });
  await login('alice');
  await see(page, '#relays tr', '1 条变更');
  expect(await cellsOf(page, 'billing')).toMatchObject({
    中继: 'billing',
    投递进程: 'host-1:17',
    投递目标: 'https://billing.example/in',
    已投递: '1,234',
    失败次数: '1',
    滞后: expect.stringMatching(/^\d+ 秒1 条变更$/),
    最近错误: 'HTTP 503',
  });
  await see(page, '#tabs [aria-current]', '中继');
  await page.getByRole('button', { name: '暂停 billing' }).click();
  await see(page, 'dialog', /暂停此中继？.*恢复之前不再投递任何事件。/s);
  await page.locator('dialog').getByRole('button', { name: '暂停' }).click();
  await see(page, '#relays tr', /已暂停.*恢复/s);
});
