import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../src/presence/limits.ts';
import { see, testConsole } from '../../support/consolePage.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

test('asks before an eviction, and ends the session only after a yes', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await web.client.online({ userId: 'alice', deviceId: 'web', serverAddr });
  const page = await web.open('users/alice');
  const evict = page.locator('#user tr', { hasText: 'phone' }).getByRole('button', { name: 'Evict' });
  await evict.click();
  await see(page, 'dialog', /End 1 session\?.*alice\/phone/s);
  await page.getByRole('button', { name: 'Cancel' }).click();
  expect((await web.client.getUser({ userId: 'alice', deviceId: 'phone' })).online).toBe(true);
  await evict.click();
  await page.getByRole('button', { name: 'End the session' }).click();
  await see(page, '#user tr', /phone.*evicted/s);
  expect((await web.client.getUser({ userId: 'alice', deviceId: 'phone' })).online).toBe(false);
  expect((await web.client.getUser({ userId: 'alice', deviceId: 'web' })).online).toBe(true);
});

test('shows the number of sessions of a chat server, and ends them all', async () => {
  const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => web.client.online({ userId, deviceId: 'phone', serverAddr })));
  const page = await web.open('cluster');
  await page.locator('#servers tr', { hasText: serverAddr }).getByRole('button', { name: 'Evict' }).click();
  await page.getByRole('button', { name: 'End 300 sessions' }).click();
  await see(page, '#servers', 'No chat server has sessions or a lease.');
  expect((await web.client.getStats()).devicesOnline).toBe(0);
});

/** The bodies of the evictions that the page asks for. */
function bodiesOf(page: Page): unknown[] {
  const bodies: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/evict')) bodies.push(request.postDataJSON());
  });
  return bodies;
}

test('sends the reason of an eviction of a device, a user or a chat server', async () => {
  const login = () =>
    web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr, label: "Anna's phone" });
  await login();
  const page = await web.open('users/alice');
  const bodies = bodiesOf(page);
  const evict = async (button: Locator, reason: string) => {
    await button.click();
    if (reason !== '') await page.getByLabel('Reason').fill(reason);
    await page.getByRole('button', { name: 'End the session' }).click();
    await page.locator('dialog').waitFor({ state: 'detached' });
  };
  await page.getByRole('button', { name: 'Evict alice/phone' }).click();
  await see(page, 'dialog', /Anna's phone.*alice\/phone/s);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await evict(page.getByRole('button', { name: 'Evict alice/phone' }), ' reported stolen ');
  await see(page, '#user tr', 'evicted: reported stolen');
  await login();
  await evict(page.getByRole('button', { name: 'Evict user alice' }), '举报');
  await see(page, '#user tr', 'evicted: 举报');
  await login();
  await evict(page.getByRole('button', { name: 'Evict user alice' }), '');
  await see(page, '#user tr', /evicted(?!:)/);
  await login();
  await page.getByRole('link', { name: 'Cluster' }).click();
  await evict(page.getByRole('button', { name: `Evict ${serverAddr}` }), 'moved');
  expect(bodies).toEqual([
    { userId: 'alice', deviceId: 'phone', reason: 'reported stolen' },
    { userId: 'alice', reason: '举报' },
    { userId: 'alice' },
    { serverAddr, reason: 'moved' },
  ]);
  const { entries } = await web.client.listHistory({ userId: 'alice' });
  expect(entries.map(({ reasonText }) => reasonText)).toEqual([
    'moved',
    undefined,
    '举报',
    'reported stolen',
  ]);
});

test('counts the bytes of a reason, and asks for no eviction with one that is too long', async () => {
  const { max } = LIMITS.reasonText;
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('users/alice');
  const bodies = bodiesOf(page);
  await page.getByRole('button', { name: 'Evict user' }).click();
  await see(page, 'dialog', `0 of ${max} bytes`);
  const field = page.getByLabel('Reason');
  await field.fill('汉'.repeat(100));
  await see(page, 'dialog', `300 of ${max} bytes`);
  await see(page, '#reason-fault', `Too long: at most ${max} bytes.`);
  expect(await field.getAttribute('aria-invalid')).toBe('true');
  await page.getByRole('button', { name: 'End the session' }).click();
  await page.locator('#reason:focus').waitFor();
  expect(bodies).toEqual([]);
  await field.fill('汉'.repeat(85));
  expect(await page.locator('#reason-fault').textContent()).toBe('');
  await page.keyboard.press('Enter');
  await see(page, '#user tr', `evicted: ${'汉'.repeat(85)}`);
});

test('shows at the field why the daemon rejects a reason', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('users/alice', { locale: 'zh-CN' });
  await page.getByRole('button', { name: '强制用户下线' }).click();
  await page.getByLabel('原因').fill('a\tb');
  await page.getByRole('button', { name: '结束 1 个会话' }).click();
  await see(page, '#reason-fault', '原因：不能含有控制字符，其中有 U+0009');
  await page.locator('#reason:focus').waitFor();
  await page.keyboard.type('c');
  expect(await page.locator('#reason-fault').textContent()).toBe('');
  expect((await web.client.getUser({ userId: 'alice' })).online).toBe(true);
  await web.daemon.stop();
  await page.getByRole('button', { name: '结束 1 个会话' }).click();
  await see(page, 'dialog form > .fault', '守护进程没有响应');
  expect(await page.locator('#reason-fault').textContent()).toBe('');
});
