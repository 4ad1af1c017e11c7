import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

/** The name and the content of the file that a button saves. */
async function saved(page: Page, button: string, within = 'main'): Promise<[name: string, text: string]> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator(within).getByRole('button', { name: button }).click(),
  ]);
  return [download.suggestedFilename(), await readFile(await download.path(), 'utf8')];
}

test('lists the sessions of a chat server page by page, with links to their users', async () => {
  const users = Array.from({ length: 130 }, (_, i) => `user-${i}`);
  await Promise.all(users.map((userId) => web.client.online({ userId, deviceId: 'phone', serverAddr })));
  await web.client.online({ userId: 'elsewhere', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
  const page = await web.open('cluster');
  await page.locator('#servers tr', { hasText: serverAddr }).getByRole('link').click();
  await see(page, '#sessions .lead', /sessions are shown; there are more/);
  expect(new URL(page.url()).hash).toBe('#/sessions/10.0.0.1%3A9000');
  await see(page, '#sessions .links', /as of \d\d:\d\d:\d\d/);
  await page.getByRole('button', { name: 'Show more' }).focus();
  await page.keyboard.press('Enter');
  await see(page, '#sessions .lead', '130 sessions are online at this chat server.');
  expect(await page.locator('#sessions tbody tr').count()).toBe(130);
  expect(await page.locator('#sessions tbody tr', { hasText: 'elsewhere' }).count()).toBe(0);
  await web.client.offline({ userId: 'user-7', deviceId: 'phone' });
  await page.getByRole('button', { name: 'Refresh' }).click();
  await see(page, '#sessions .lead', /sessions are shown/);
  await page.locator('#sessions tbody a.id').first().click();
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  await page.goBack();
  await page.getByRole('link', { name: 'Live changes' }).click();
  await see(page, '#changes', 'Waiting for a change');
  expect(new URL(page.url()).hash).toBe('#/changes/server%3D10.0.0.1%3A9000');
});

test('says that an unknown chat server has no sessions, and why an invalid one is rejected', async () => {
  const page = await web.open('sessions/10.9.9.9%3A1');
  await see(page, '#sessions .lead', 'No session is online at this chat server.');
  const invalid = await web.open(`sessions/${'s'.repeat(300)}`);
  await see(invalid, '#sessions .bad', 'serverAddr must be at most 255 bytes');
  const control = await web.open('sessions/a%01');
  await see(control, '#sessions .bad', 'serverAddr must not contain control characters');
});

test('exports the sessions of a chat server as CSV and JSON', async () => {
  await web.client.online({
    userId: '=cmd|calc',
    deviceId: 'a,"b"',
    serverAddr,
    sessionId: '@s',
    platform: 'ios',
    metadata: { note: 'x' },
    label: '=Anna',
    appVersion: '4.2.1',
    clientIp: '203.0.113.7',
  });
  await web.client.online({ userId: '爱丽丝', deviceId: 'web', serverAddr, sessionId: 's-2' });
  const page = await web.open('sessions/10.0.0.1%3A9000');
  await see(page, '#sessions .lead', '2 sessions');
  const [name, csv] = await saved(page, 'Export as CSV');
  expect(name).toMatch(/^imstate-sessions-10\.0\.0\.1_9000-\d{4}-\d\d-\d\d\.csv$/);
  const [head, ...lines] = csv.split('\r\n');
  expect(head).toMatch(/^userId,deviceId,online,serverAddr,sessionId,platform,loginTime/);
  expect(lines.filter(Boolean).sort()).toEqual([
    expect.stringMatching(/^'=cmd\|calc,"a,""b""",true,10\.0\.0\.1:9000,'@s,ios,\d{4}-.*Z/),
    expect.stringMatching(/^爱丽丝,web,true,10\.0\.0\.1:9000,s-2,,\d{4}-/),
  ]);
  const cellsOf = (line = '') => line.split(',').slice(-5);
  expect(cellsOf(head)).toEqual(['reasonText', 'clientIp', 'label', 'appVersion', 'metadata']);
  expect(csv).toContain(",,203.0.113.7,'=Anna,4.2.1,");
  await see(page, '#sessions .exports', 'Exported 2 rows.');
  const [jsonName, json] = await saved(page, 'Export as JSON');
  expect(jsonName).toMatch(/\.json$/);
  const { sessions, more, partial } = JSON.parse(json);
  expect({ more, partial }).toEqual({ more: false, partial: false });
  expect(sessions.map(({ userId }: { userId: string }) => userId).sort()).toEqual(['=cmd|calc', '爱丽丝']);
});

test('exports what a search finds, and the history of the selected period', async () => {
  for (const sessionId of ['s-1', 's-2', 's-3'])
    await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr, sessionId });
  await web.client.online({ userId: 'bob', deviceId: 'phone', serverAddr });
  const page = await web.open('users?prefix=al');
  await see(page, '#found .lead', 'Found 1 session.');
  const [name, csv] = await saved(page, 'Export as CSV');
  expect(name).toMatch(/^imstate-sessions-prefix-al-\d/);
  expect(csv.match(/alice/g)).toHaveLength(1);
  expect(csv).not.toContain('bob');
  const user = await web.open('users/alice?range=hour');
  await see(user, '#history tbody tr', 's-1');
  const [historyName, history] = await saved(user, 'Export as JSON', '#history');
  expect(historyName).toMatch(/^imstate-history-alice-\d/);
  expect(JSON.parse(history)).toMatchObject({
    userId: 'alice',
    more: false,
    entries: [{ sessionId: 's-3' }, { sessionId: 's-2', reason: 'REPLACED' }, { sessionId: 's-1' }],
  });
});

test('exports the details and the reason text of sessions in the history', async () => {
  const details = { label: "Anna's phone", appVersion: '4.2.1', clientIp: '203.0.113.7' };
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr, ...details });
  await web.client.evict({ userId: 'alice', reasonText: 'reported stolen' });
  const page = await web.open('users/alice');
  await see(page, '#history tbody tr', 'reported stolen');
  const [, json] = await saved(page, 'Export as JSON', '#history');
  const [entry] = JSON.parse(json).entries;
  expect(entry).toMatchObject({ ...details, clientIp: '203.0.113.0/24', reasonText: 'reported stolen' });
  const [, csv] = await saved(page, 'Export as CSV', '#history');
  const [head = '', line] = csv.split('\r\n');
  expect(head).toMatch(/,reason,reasonText,clientIp,label,appVersion$/);
  expect(line).toMatch(/,EVICTED,reported stolen,203\.0\.113\.0\/24,Anna's phone,4\.2\.1$/);
});

test('says that an export is cut, on the page and in the name of the file', async () => {
  for (let i = 0; i < 11; i++)
    await Promise.all(
      Array.from({ length: 950 }, (_, j) =>
        web.client.online({ userId: `user-${i}-${j}`, deviceId: 'phone', serverAddr }),
      ),
    );
  const page = await web.open('sessions/10.0.0.1%3A9000');
  await see(page, '#sessions .lead', /sessions are shown/);
  const [name, csv] = await saved(page, 'Export as CSV');
  expect(name).toMatch(/^imstate-sessions-10\.0\.0\.1_9000-first-10000-\d/);
  expect(csv.split('\r\n')).toHaveLength(10_002);
  await see(page, '#sessions .exports', 'Exported only the first 10,000 rows: there are more.');
});
