import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';
import { clientOf, startDaemon } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

test('shows changes immediately, newest first, with links to their users', async () => {
  const page = await web.open('changes');
  await see(page, '#link[data-state=live]');
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr, platform: 'ios' });
  await web.client.offline({ userId: 'alice', deviceId: 'phone' });
  await see(page, '#changes tbody tr:nth-child(1)', /alice.*phone.*logged out.*10\.0\.0\.1:9000/s);
  await see(page, '#changes tbody tr:nth-child(2)', /alice.*phone.*ios.*online/s);
  await page.locator('#changes tbody tr:nth-child(1)').getByRole('link', { name: 'alice' }).click();
  await see(page, '#user .lead', 'No device is online.');
});

test('filters changes by user and type, and pauses them', async () => {
  const page = await web.open('changes');
  await page.getByRole('combobox', { name: 'Changes of' }).selectOption('user');
  await page.getByRole('searchbox', { name: 'User IDs' }).fill('alice, bob');
  await page.keyboard.press('Enter');
  // The view is redrawn with the typed filter.
  await page.locator('#filter[value="alice, bob"]').waitFor();
  await see(page, '#link[data-state=live]');
  for (const userId of ['carol', 'alice', 'bob'])
    await web.client.online({ userId, deviceId: 'phone', serverAddr });
  await web.client.offline({ userId: 'bob', deviceId: 'phone' });
  await see(page, '#changes tbody tr', /bob.*logged out/s);
  expect(await page.locator('#changes tbody tr').count()).toBe(3);
  await page.getByRole('combobox', { name: 'Type of change' }).selectOption('logout');
  await until(async () => (await page.locator('#changes tbody tr').count()) === 1, 'one change is left');
  await page.getByRole('button', { name: 'Pause' }).click();
  await web.client.offline({ userId: 'alice', deviceId: 'phone' });
  await see(page, '#pause', 'Resume (1 new)');
  expect(await page.locator('#changes tbody tr').count()).toBe(1);
  await page.locator('#pause').click();
  await see(page, '#changes tbody tr', 'alice');
});

test('shows changes during a lost connection when it is back', async () => {
  const page = await web.open('changes');
  await see(page, '#link[data-state=live]');
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await see(page, '#changes tbody tr', 'alice');
  const { port } = new URL(web.daemon.http as string);
  const { dataDir } = web.daemon;
  await web.daemon.stop();
  await see(page, '#link[data-state=away]');
  await see(page, '#banner', 'No connection to the daemon since');
  const next = await startDaemon({ http: { addr: '127.0.0.1', port: Number(port) }, dataDir });
  const other = await clientOf(next.addr);
  await other.online({ userId: 'bob', deviceId: 'phone', serverAddr });
  await see(page, '#link[data-state=live]');
  await see(page, '#changes tbody tr', 'bob');
  expect(await page.locator('#changes tbody tr').count()).toBe(2);
  expect(await page.locator('#banner').isVisible()).toBe(false);
});
