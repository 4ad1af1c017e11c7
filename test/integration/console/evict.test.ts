import { expect, test } from 'vitest';
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
