import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

test('keeps the selected period in the URL, for others and for "back"', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('users/alice');
  const isSelected = (text: string) => page.locator('button[aria-pressed=true]', { hasText: text }).waitFor();
  await page.getByRole('button', { name: '24 h' }).click();
  await page.getByRole('button', { name: '1 h', exact: true }).click();
  expect(new URL(page.url()).hash).toBe('#/users/alice?range=hour');
  const other = await web.openUrl(page.url());
  await other.locator('button[aria-pressed=true]', { hasText: '1 h' }).waitFor();
  await page.goBack();
  await isSelected('24 h');
  await page.goBack();
  await isSelected('All');
  await page.goForward();
  await isSelected('24 h');
});

test('keeps all filters of changes in the URL', async () => {
  const page = await web.open('changes');
  await see(page, '#link[data-state=live]');
  await page.getByRole('combobox', { name: 'Type of change' }).selectOption('logout');
  await page.getByRole('combobox', { name: 'Changes of' }).selectOption('user');
  await page.getByRole('searchbox', { name: 'User IDs' }).fill('alice');
  await page.keyboard.press('Enter');
  await page.locator('#filter[value=alice]').waitFor();
  const { hash } = new URL(page.url());
  expect(hash).toBe('#/changes/user%3Dalice?kind=logout');
  const other = await web.open(hash.slice(2));
  await see(other, '#link[data-state=live]');
  expect(await other.locator('#kind').inputValue()).toBe('logout');
  for (const userId of ['bob', 'alice']) {
    await web.client.online({ userId, deviceId: 'phone', serverAddr });
    await web.client.offline({ userId, deviceId: 'phone' });
  }
  await see(other, '#changes tbody tr', /alice.*logged out/s);
  expect(await other.locator('#changes tbody tr').count()).toBe(1);
  await page.goBack();
  await page.locator('#filter:disabled').waitFor();
  expect(await page.locator('#kind').inputValue()).toBe('logout');
});

test('ignores what it does not know in a URL', async () => {
  for (const view of [
    'users/alice?range=century&x=1',
    'changes?kind=constructor',
    'constructor',
    'sessions',
  ]) {
    const page = await web.open(view);
    await page.locator('main .panel, #search').first().waitFor();
    expect(await page.locator('#banner').isVisible()).toBe(false);
  }
});
