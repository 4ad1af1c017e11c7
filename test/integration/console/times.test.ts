import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();
/** Half an hour beside UTC, so that every time of day differs. */
const PLACE = { timezoneId: 'Asia/Kolkata' };

/** A time of day as tables show it, and as explanations and tooltips do. */
function textsOf(time: Date | undefined, timeZone: string): [clock: string, full: string] {
  const format = (locale: string) =>
    new Intl.DateTimeFormat(locale, { timeZone, timeStyle: 'medium' }).format(time);
  return [format('en-GB'), format('en')];
}

function tooltipsOf(page: Page): Promise<string[]> {
  return page.locator('main time').evaluateAll((all) => all.map((time) => time.getAttribute('title') ?? ''));
}

test('shows all times of a user in local time or in UTC, and the other one as tooltip', async () => {
  const login = { userId: 'alice', deviceId: 'phone', serverAddr, ttlMs: 60_000 };
  const { loginTime } = await web.client.online(login);
  const [local, fullLocal] = textsOf(loginTime, PLACE.timezoneId);
  const [utc, fullUtc] = textsOf(loginTime, 'UTC');
  const page = await web.open('users/alice', PLACE);
  await see(page, '#history tbody tr', local);
  await page.getByRole('button', { name: 'Why?' }).click();
  await see(page, '#user .facts', fullLocal);
  const drawn = await page.locator('.timeline svg').innerHTML();
  await page.getByRole('combobox', { name: 'Time zone' }).selectOption('utc');
  await see(page, '#history tbody tr', utc);
  // Nothing was loaded again: the explanation is still open.
  await see(page, '#user .facts', fullUtc);
  for (const text of [local, fullLocal]) expect(await page.locator('main').textContent()).not.toContain(text);
  expect(await page.locator('.timeline svg').innerHTML()).not.toBe(drawn);
  const tooltips = await tooltipsOf(page);
  expect(tooltips.length).toBeGreaterThan(1);
  for (const tooltip of tooltips) expect(tooltip).toMatch(/UTC\n.*GMT\+5:30$/);
  expect(tooltips).toContainEqual(expect.stringMatching(new RegExp(`${fullUtc}.*\\n.*${fullLocal}`)));
  await page.reload();
  await see(page, '#history tbody tr', utc);
  expect(await page.locator('#zone').inputValue()).toBe('utc');
  await page.locator('main').focus();
  await page.keyboard.press('z');
  await see(page, '#history tbody tr', local);
  for (const tooltip of await tooltipsOf(page)) expect(tooltip).toMatch(/GMT\+5:30\n.*UTC$/);
});

test('switches the times of changes and of charts without losing them', async () => {
  const changes = await web.open('changes', PLACE);
  await see(changes, '#link[data-state=live]');
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await see(changes, '#changes tbody tr', 'alice');
  const [local] = await changes.locator('#changes tbody time').allTextContents();
  await changes.locator('#zone').selectOption('utc');
  const [utc] = await changes.locator('#changes tbody time').allTextContents();
  expect(utc).not.toBe(local);
  expect(await changes.locator('#changes tbody tr').count()).toBe(1);

  const cluster = await web.open('cluster', PLACE);
  await cluster.locator('#rate canvas').waitFor();
  await see(cluster, '#count-rate', /\d/);
  // No sample may arrive meanwhile: each draws the axes too.
  const changed = cluster.evaluate(`(() => {
    const canvas = document.querySelector('#rate canvas');
    const select = document.querySelector('#zone');
    const before = canvas.toDataURL();
    select.value = 'utc';
    select.dispatchEvent(new Event('change'));
    return Promise.resolve().then(() => canvas.toDataURL() !== before);
  })()`);
  expect(await changed).toBe(true);
});

test('shows the times of the sessions of a chat server in the selected time zone', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('sessions/10.0.0.1%3A9000', PLACE);
  await see(page, '#sessions .lead', '1 session');
  const texts = () => page.locator('#sessions [data-timed]').allTextContents();
  const local = await texts();
  expect(local).toHaveLength(2);
  await page.locator('#zone').selectOption('utc');
  const utc = await texts();
  for (const [i, text] of utc.entries()) expect(text).not.toBe(local[i]);
});

test('shows since when a daemon does not respond in the selected time zone', async () => {
  const page = await web.open('users/alice', PLACE);
  await see(page, '#link[data-state=live]');
  await web.daemon.stop();
  await see(page, '#banner', 'No connection to the daemon since');
  const local = await page.locator('#banner').textContent();
  await page.locator('#zone').selectOption('utc');
  await until(
    async () => (await page.locator('#banner').textContent()) !== local,
    'the banner is written again',
  );
});
