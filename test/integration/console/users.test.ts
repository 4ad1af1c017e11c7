import { expect, test } from 'vitest';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { clientOf, startDaemon } from '../../support/disposables.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

test('finds a user, and shows devices, chat servers, times and explanations', async () => {
  await web.client.online({
    userId: 'alice',
    deviceId: 'phone',
    serverAddr,
    platform: 'ios',
    sessionId: 's-1',
  });
  await web.client.online({ userId: 'alice', deviceId: 'web', serverAddr: '10.0.0.2:9000', ttlMs: 60_000 });
  await web.client.offline({ userId: 'alice', deviceId: 'phone', sessionId: 's-1' });
  const page = await web.openUrl(web.daemon.http as string);
  await page.getByRole('searchbox', { name: 'User ID' }).fill('alice');
  await page.getByRole('button', { name: 'Search' }).click();
  await see(page, '#user .lead', 'Online on 1 of 2 devices.');
  await see(page, '#user tr', /phone.*ios.*logged out.*10\.0\.0\.1:9000.*s-1/s);
  await see(page, '#user tr', /web.*online.*10\.0\.0\.2:9000/s);
  await page.locator('#user tr', { hasText: 'web' }).getByRole('button', { name: 'Why?' }).click();
  await see(page, '#user .detail', /nothing has ended its session.*1 min: expires/s);
  expect(new URL(page.url()).hash).toBe('#/users/alice');
});

test('updates a user at each change', async () => {
  const page = await web.open('users/alice');
  await see(page, '#user .lead', 'This user is unknown');
  await see(page, '#link[data-state=live]');
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  await web.client.offline({ userId: 'alice', deviceId: 'phone' });
  await see(page, '#user .lead', 'No device is online.');
});

test('shows the history of a user as a timeline and as a table', async () => {
  for (const sessionId of ['s-1', 's-2', 's-3'])
    await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr, sessionId });
  await web.client.online({ userId: 'alice', deviceId: 'web', serverAddr });
  const page = await web.open('users/alice');
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

test('escapes markup in the name of a user', async () => {
  const userId = '<img src=x onerror="document.title=1"><b>bold</b>';
  await web.client.online({ userId, deviceId: '<i>device</i>', serverAddr, metadata: { '<u>': '&amp;' } });
  const page = await web.open(`users/${encodeURIComponent(userId)}`);
  await see(page, '#user h2', userId);
  expect(await page.locator('#user b, #user img, #user i, #user u').count()).toBe(0);
  expect(await page.title()).toBe('Users · imstate');
});

test('shows a user with too many devices for one response, and what is missing', async () => {
  const daemon = await startDaemon({ http, maxDevices: 2_000 });
  const client = await clientOf(daemon.addr);
  // About 1.9 kB each: 3.2 MB in total, and 1.6 MB without metadata.
  const login = (i: number) => ({
    userId: 'alice',
    deviceId: `${i}-`.padEnd(256, 'd'),
    sessionId: `${i}-`.padEnd(256, 's'),
    serverAddr: `${'a'.repeat(240)}:9000`,
    metadata: { note: 'n'.repeat(1_000) },
  });
  await Promise.all(Array.from({ length: 1_800 }, (_, i) => client.online(login(i))));
  const page = await web.openUrl(`${daemon.http}/console/#/users/alice`);
  await see(page, '#user', 'Online on 1,800 of 1,800 devices.');
  await see(page, '#user .note', 'Metadata is omitted');
});
