import { expect, test } from 'vitest';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { startDaemon } from '../../support/disposables.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

async function loginSome(): Promise<void> {
  for (const [userId, deviceId] of [
    ['alice', 'phone'],
    ['alicia', 'web'],
    ['bob', 'phone'],
  ] as const)
    await web.client.online({ userId, deviceId, serverAddr, sessionId: `${userId}-1`, platform: 'ios' });
}

test('finds sessions by the beginning of a user ID, by device and by session', async () => {
  await loginSome();
  const page = await web.open();
  const search = async (by: string, text: string) => {
    await page.getByRole('combobox', { name: 'Search by' }).selectOption({ label: by });
    await page.getByRole('searchbox', { name: by }).fill(text);
    await page.keyboard.press('Enter');
    await see(page, '#found h2', `${by} ${text}`);
    await see(page, '#found .lead', 'Compared all 3 sessions that are online.');
    return (await page.locator('#found tbody a.id').allTextContents()).sort();
  };
  expect(await search('User ID begins with', 'ali')).toEqual(['alice', 'alicia']);
  await see(page, '#found .lead', 'Found 2 sessions.');
  expect(new URL(page.url()).hash).toBe('#/users?prefix=ali');
  await see(page, '#result', 'There is no index for this search');
  expect(await search('Device ID', 'web')).toEqual(['alicia']);
  expect(await search('Session ID', 'bob-1')).toEqual(['bob']);
  expect(await search('Session ID', 'bob')).toEqual([]);
  await page.goBack();
  await see(page, '#found tbody tr', /bob.*phone.*ios.*10\.0\.0\.1:9000.*bob-1/s);
  await page.getByRole('link', { name: 'bob', exact: true }).click();
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
});

test('shows further results on request, and how much of the store was compared', async () => {
  const users = Array.from({ length: 250 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => web.client.online({ userId, deviceId: 'phone', serverAddr })));
  const page = await web.open('users?prefix=user');
  await see(page, '#found .lead', /Found 1\d\d sessions\. Compared 1\d\d of about 250 sessions/);
  await page.getByRole('button', { name: 'Show more' }).focus();
  await page.keyboard.press('Enter');
  await see(page, '#found .lead', /Found 2\d\d sessions/);
  await page.locator('#found button[data-key=more]:focus').waitFor();
  const more = page.getByRole('button', { name: 'Show more' });
  await more.click();
  await see(page, '#found .lead', 'Found 250 sessions. Compared all 250 sessions');
  expect(await page.locator('#found tbody tr').count()).toBe(250);
  await more.waitFor({ state: 'detached' });
});

test.each([
  ['users?prefix=a%01b', 'userIdPrefix must not contain control characters; this one has U+0001'],
  [
    `users?prefix=${'%E5%A5%BD'.repeat(100)}`,
    'userIdPrefix must be at most 256 bytes of UTF-8; this one has 300',
  ],
  [`users?device=${'d'.repeat(300)}`, 'deviceId must be at most 256 bytes of UTF-8; this one has 300'],
  ['users?session=%7f', 'sessionId must not contain control characters; this one has U+007F'],
])('shows why an invalid search is rejected: %s', async (view, message) => {
  const page = await web.open(view);
  await see(page, '#found .bad', message);
  expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
});

test('shows the error of an invalid search in Chinese', async () => {
  const page = await web.open('users?prefix=a%01b', { locale: 'zh-CN' });
  await see(page, '#found .bad', '用户 ID 前缀：不能含有控制字符，其中有 U+0001');
});

test('shows that a page token of another search is rejected', async () => {
  const users = Array.from({ length: 120 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => web.client.online({ userId, deviceId: 'phone', serverAddr })));
  const page = await web.open('users?prefix=user', { locale: 'zh-CN' });
  await see(page, '#found .lead', '找到 100 个会话');
  await page.route('**/api/v1/sessions?*pageToken=*', (route) =>
    route.continue({ url: route.request().url().replace('userIdPrefix=user', 'userIdPrefix=use') }),
  );
  await page.getByRole('button', { name: '显示更多' }).click();
  await see(page, '#found .bad', '分页标记无效，请重新加载页面');
  expect(await page.locator('#found tbody tr').count()).toBe(100);
});

test('reports a search that the daemon cannot answer, and tries again on request', async () => {
  await loginSome();
  const page = await web.open('users');
  await page.route('**/api/v1/sessions*', (route) => route.abort());
  await page.locator('#search-by').selectOption('prefix');
  await page.getByRole('searchbox').fill('ali');
  await page.keyboard.press('Enter');
  await see(page, '#found .bad', 'The daemon does not respond.');
  await page.unroute('**/api/v1/sessions*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await see(page, '#found .lead', 'Found 2 sessions.');
});

test('keeps the last ten searches in the browser until they are cleared', async () => {
  const page = await web.open();
  for (let i = 1; i <= 12; i++) {
    await page.getByRole('searchbox').fill(`user-${i}`);
    await page.keyboard.press('Enter');
    await see(page, '#user .who', `user-${i}`);
  }
  await page.locator('#search-by').selectOption('device');
  await page.getByRole('searchbox').fill('phone');
  await page.keyboard.press('Enter');
  await see(page, '#found', 'Found 0 sessions');
  await page.getByRole('link', { name: 'Users' }).click();
  await see(page, '#recent a', 'phone');
  expect(await page.locator('#recent a .id').allTextContents()).toEqual([
    'phone',
    ...Array.from({ length: 9 }, (_, i) => `user-${12 - i}`),
  ]);
  await page.reload();
  await page.locator('#recent a', { hasText: 'phone' }).click();
  await see(page, '#found h2', 'Device ID phone');
  await page.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('button', { name: 'Clear' }).click();
  expect(await page.locator('#recent').count()).toBe(0);
  await page.reload();
  await page.locator('#search:focus').waitFor();
  expect(await page.locator('#recent').count()).toBe(0);
});

test('never searches for a token or saves it, and removes the searches at sign-out', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  const page = await web.openUrl(`${daemon.http}/console/`);
  await page.getByLabel('Token').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#foot', 'token "reader"');
  for (const secret of [file.tokens.reader as string, 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl']) {
    await page.getByRole('searchbox').fill(secret);
    await page.keyboard.press('Enter');
    await see(page, '#search-fault', 'This looks like a token');
    const kept = JSON.stringify(await page.evaluate('[{ ...localStorage }, document.cookie, location.href]'));
    expect(kept).not.toContain(secret);
  }
  await page.getByRole('searchbox').fill('alice');
  await page.keyboard.press('Enter');
  await see(page, '#user .who', 'alice');
  const saved = () => page.evaluate("localStorage.getItem('imstate.searches')");
  expect(await saved()).toContain('alice');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  expect(await saved()).not.toContain('alice');
});
