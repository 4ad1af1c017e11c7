import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';

const serverAddr = '10.0.0.1:9000';
const PHONE = {
  userId: 'alice',
  deviceId: 'd-1',
  serverAddr,
  platform: 'ios',
  sessionId: 's-1',
  label: "Anna's phone",
  appVersion: '4.2.1',
  clientIp: '203.0.113.7',
};
const KNOWN = /Anna's phone.*d-1.*ios · 4\.2\.1 · 203\.0\.113\.7/s;
const web = testConsole();

/** The texts of the first cell of a row, line by line. */
function deviceLines(page: Page, row: string): Promise<string[]> {
  return page.locator(row).locator('td[data-label=Device] > div').first().locator('> *').allTextContents();
}

/** The tooltips of the timeline, without the marks around texts from outside. */
async function tooltips(page: Page): Promise<string[]> {
  const all = await page.locator('.timeline title').allTextContents();
  return all.map((text) => text.replace(/[\u2068\u2069]/g, ''));
}

test('shows the label, the version of the app and the address of each session', async () => {
  await web.client.online(PHONE);
  await web.client.online({
    ...PHONE,
    userId: 'bob',
    deviceId: 'plain',
    label: '',
    appVersion: '',
    clientIp: '',
  });
  const page = await web.open('users/alice');
  await see(page, '#user tr', KNOWN);
  await page.getByRole('button', { name: 'Why?' }).click();
  await see(page, '#user .facts', /App version4\.2\.1Client address203\.0\.113\.7/);
  // The history keeps the network of the address.
  await see(page, '#history tr', KNOWN);
  expect(await tooltips(page)).toEqual([
    "Anna's phone\nd-1",
    expect.stringMatching(
      /^Anna's phone\nd-1 · 10\.0\.0\.1:9000\nios · 4\.2\.1 · 203\.0\.113\.\S+\n.*\nonline$/,
    ),
  ]);
  await see(await web.open('users?prefix=al'), '#found tr', KNOWN);
  const sessions = await web.open('sessions/10.0.0.1%3A9000');
  await see(sessions, '#sessions tr', KNOWN);
  // Nothing is shown of what is absent.
  await see(sessions, '#sessions tr', 'bob');
  expect(await deviceLines(sessions, '#sessions tr:has-text("bob")')).toEqual(['plain', 'ios']);
});

test('shows changes with the label, the reason text and the login that replaced a session', async () => {
  const page = await web.open('changes');
  await see(page, '#link[data-state=live]');
  await web.client.online(PHONE);
  await see(page, '#changes tbody tr:nth-child(1)', KNOWN);
  await web.client.online({
    ...PHONE,
    deviceId: 'd-2',
    sessionId: 's-2',
    platform: 'web',
    label: "Anna's laptop",
    policy: 'REPLACE_ALL',
  });
  await see(page, '#changes tr', /d-1.*replaced by Anna's laptop \(web\)/s);
  await web.client.online({ userId: 'alice', deviceId: 'd-3', serverAddr, policy: 'REPLACE_ALL' });
  await see(page, '#changes tr', /d-2.*replaced by d-3/s);
  await web.client.evict({ userId: 'alice', reasonText: 'reported stolen' });
  await see(page, '#changes tr', /d-3.*evicted: reported stolen/s);
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#link[data-state=live]');
  await web.client.online({ ...PHONE, sessionId: 's-4' });
  await web.client.online({ ...PHONE, deviceId: 'd-2', sessionId: 's-5', policy: 'REPLACE_ALL' });
  await see(page, '#changes tr', /d-1.*被顶替，新登录：Anna's phone（ios）/s);
});

test('shows the reason text of an eviction in the device list, the history and the timeline', async () => {
  await web.client.online(PHONE);
  await web.client.evict({ userId: 'alice', reasonText: 'reported stolen' });
  const page = await web.open('users/alice');
  await see(page, '#user tr', /d-1.*evicted: reported stolen/s);
  await see(page, '#history tr', /d-1.*evicted: reported stolen/s);
  expect((await tooltips(page)).at(-1)).toMatch(/\nevicted: reported stolen$/);
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#user tr', /d-1.*强制下线：reported stolen/s);
});

test('shows when an offline user was last seen', async () => {
  const page = await web.open('users/alice', { timezoneId: 'Asia/Kolkata' });
  await see(page, '#user .lead', 'This user is unknown');
  expect(await page.locator('#user h2').textContent()).toBe('aliceoffline');
  await web.client.online(PHONE);
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  expect(await page.locator('#user h2').textContent()).toBe('aliceonline');
  await web.client.offline({ userId: 'alice', deviceId: 'd-1' });
  await see(page, '#user h2', /offlinelast seen (now|\d+ seconds? ago)$/);
  const time = page.locator('#user h2 time');
  expect(await time.getAttribute('title')).toMatch(/GMT\+5:30\n.*UTC$/);
  await page.locator('#zone').selectOption('utc');
  expect(await time.getAttribute('title')).toMatch(/UTC\n.*GMT\+5:30$/);
  const { lastSeen } = await web.client.getUser({ userId: 'alice', includeLastSeen: true });
  expect(await time.getAttribute('datetime')).toBe(lastSeen?.toISOString());
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#user h2', '最近在线：');
});

test('shows markup in details as text', async () => {
  const markup = '<b>bold</b><img src=x>';
  await web.client.online({ ...PHONE, label: markup, appVersion: '<i>1</i>' });
  const changes = await web.open('changes');
  await see(changes, '#link[data-state=live]');
  await web.client.evict({ userId: 'alice', reasonText: markup });
  await see(changes, '#changes tr', `evicted: ${markup}`);
  const page = await web.open('users/alice');
  await see(page, '#user tr', markup);
  await see(page, '#history tr', '<i>1</i>');
  for (const each of [page, changes]) expect(await each.locator('main :is(b, i, img)').count()).toBe(0);
});

/** The horizontal position of the first and the last character of a text on the page. */
const PLACES = `(text) => {
  const places = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const at = node.data.indexOf(text);
    if (at < 0 || node.parentElement.closest('title') || node.parentElement.offsetParent === null) continue;
    const left = (i) => {
      const range = document.createRange();
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      return range.getBoundingClientRect().left;
    };
    places.push([left(at), left(at + text.length - 1)]);
  }
  return places;
}`;

test('keeps the order of the page around characters that reverse text', async () => {
  // The second ends every isolation that is open, and then reverses.
  for (const hostile of ['\u202eevil', '\u2069\u2069\u2069\u202eevil']) {
    const userId = `u-${hostile}`;
    await web.client.online({
      ...PHONE,
      userId,
      deviceId: hostile,
      label: hostile,
      platform: `${hostile}p`,
      appVersion: hostile,
      metadata: { [hostile]: hostile, next: 'value' },
    });
    const changes = await web.open('changes');
    await see(changes, '#link[data-state=live]');
    const other = { ...PHONE, userId, deviceId: 'd-2', sessionId: 's-2', policy: 'REPLACE_ALL' } as const;
    await web.client.online({ ...other, label: hostile, platform: 'tv' });
    await see(changes, '#changes tr', /replaced by .*tv/s);
    const page = await web.open(`users/${encodeURIComponent(userId)}`);
    await see(page, '#history tr', '203.0.113.');
    await page.locator('#user tr', { hasText: 'evilp' }).getByRole('button', { name: 'Why?' }).click();
    for (const [where, text] of [
      [changes, 'replaced by'],
      [changes, ' ('],
      [changes, 'still online'],
      [page, '203.0.113.'],
      [page, ' · '],
      [page, 'Client address'],
      [page, 'next=value'],
    ] as const) {
      const places = (await where.evaluate(`(${PLACES})(${JSON.stringify(text)})`)) as [number, number][];
      expect([text, places.length]).not.toEqual([text, 0]);
      for (const [first, last] of places) expect([text, first < last]).toEqual([text, true]);
    }
    const titles = await page.locator('.timeline title').allTextContents();
    for (const title of titles) expect(title).not.toMatch(/[\u202a-\u202e\u2066\u2067]|\u2069\u2069/);
  }
});
