import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';

const web = testConsole();

/** Waits until the table has this many rows. */
async function rows(page: Page, count: number): Promise<void> {
  await expect.poll(() => page.locator('#audit tbody tr').count()).toBe(count);
}

/** The text of the file that a button saves. */
async function exported(page: Page, name: string): Promise<{ name: string; text: string }> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name }).click(),
  ]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

test('shows what administrators did, and links to the user', async () => {
  await web.client.evict({ userId: 'alice' });
  await web.client.evict({ serverAddr: '10.0.0.1:9000' });
  const page = await web.open('cluster');
  await page.getByRole('link', { name: 'Audit' }).click();
  await rows(page, 2);
  await see(
    page,
    '#audit tr',
    /anonymous.*admin · 127\.0\.0\.1:\d+.*Evict.*10\.0\.0\.1:9000.*done.*sessions ended: 0/s,
  );
  await page.locator('#audit').getByRole('link', { name: 'alice' }).click();
  await see(page, '#result', 'This user is unknown');
});

test('filters, keeps the filter in the URL, and shows further pages', async () => {
  for (let i = 0; i < 205; i++) await web.client.evict({ userId: i < 200 ? `user-${i}` : 'alice' });
  const page = await web.open('audit');
  await rows(page, 200);
  await page.getByRole('button', { name: 'Show more' }).click();
  await rows(page, 205);
  await page.getByPlaceholder('User ID').fill('alice');
  await page.keyboard.press('Enter');
  await rows(page, 5);
  await page.reload();
  await rows(page, 5);
  await page.locator('select[name=outcome]').selectOption('DENIED');
  await see(page, '#audit', 'No record matches.');
  await page.locator('select[name=outcome]').selectOption('');
  await rows(page, 5);
  await page.getByPlaceholder('Token, JWT or certificate').fill('a&b=c%');
  await page.keyboard.press('Enter');
  await see(page, '#audit', 'No record matches.');
  expect(await page.getByPlaceholder('Token, JWT or certificate').inputValue()).toBe('a&b=c%');
  await page.locator('select[name=period]').selectOption('hour');
  await see(page, '#audit', 'No record matches.');
});

test('exports all records that pass the filter as CSV and as JSON', async () => {
  for (let i = 0; i < 3; i++) await web.client.evict({ userId: 'alice' });
  await web.client.evict({ userId: '=HYPERLINK("x")' });
  const page = await web.open('audit');
  await rows(page, 4);
  const csv = await exported(page, 'Export as CSV');
  expect(csv.name).toMatch(/^imstate-audit-\d{4}-\d\d-\d\d\.csv$/);
  const [head, first, ...rest] = csv.text.trimEnd().split('\r\n');
  expect(head).toMatch(/^id,time,action,outcome,/);
  expect(first).toContain(`"'=HYPERLINK(""x"")"`);
  expect(rest).toHaveLength(3);
  await see(page, '#status', 'Exported 4 rows.');
  const json = await exported(page, 'Export as JSON');
  const { records } = await web.client.listAudit();
  const { records: saved, more } = JSON.parse(json.text);
  expect(saved.map(({ id }: { id: string }) => id)).toEqual(records.map(({ id }) => id));
  expect(more).toBe(false);
});

test('is there for an admin only, and in Chinese', async () => {
  const file = await TokenFile.make();
  const guarded = await startDaemon({ http, auth: { tokens: file.path } });
  const admin = await connect({ endpoints: [guarded.addr], token: file.tokens.admin as string });
  disposables.push(() => admin.close());
  await admin.evict({ userId: 'alice' });
  const page = await web.openUrl(`${guarded.http}/console/`, { locale: 'zh-CN' });
  await page.getByLabel('令牌').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#foot', '令牌“reader”');
  expect(await page.locator('#tabs [data-view=audit]').isVisible()).toBe(false);
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.getByLabel('令牌').fill(file.tokens.admin as string);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: '审计' }).click();
  await see(page, '#audit tr', /admin.*强制下线.*alice.*已执行.*已结束 0 个会话/s);
});

test('shows a finished upgrade and the reason of an eviction, in both languages', async () => {
  await web.client.evict({ userId: 'alice', reasonText: 'no connection' });
  await web.client.finishUpgrade({ validateOnly: true });
  const page = await web.open('audit');
  await rows(page, 2);
  await see(page, '#audit tr', /Evict.*alice.*sessions ended: 0, reason: no connection/s);
  await see(page, '#audit tr', /Finish upgrade.*the store.*feature level \d to \d, checked only/s);
  await page.locator('select[name=action]').selectOption({ label: 'Finish upgrade' });
  await rows(page, 1);
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#audit tr', /完成升级.*存储.*功能级别由 \d 升至 \d，仅检查，未执行/s);
  await page.locator('select[name=action]').selectOption('evict');
  // The text of the administrator is not translated.
  await see(page, '#audit tr', /强制下线.*alice.*已结束 0 个会话，原因：no connection/s);
});

test('shows an erased user by the pseudonym, which leads to all acts under it', async () => {
  await web.client.evict({ userId: 'alice' });
  await web.client.evict({ userId: 'bob' });
  await web.client.exportUser('alice');
  await web.client.eraseUser('alice');
  const { records } = await web.client.listAudit();
  const page = await web.open('audit');
  await rows(page, records.length);
  await see(page, '#audit tr', /Export user.*erased:/s);
  const erasure = page.locator('#audit tr', { hasText: /Erase user.*sessions ended: 0, records erased: /s });
  await erasure.getByRole('link', { name: /^erased:/ }).click();
  // All but that of bob.
  await rows(page, records.length - 1);
  expect(await page.locator('#audit').textContent()).not.toContain('alice');
  await page.locator('#language').selectOption('zh-CN');
  await see(page, '#audit tr', /抹除用户数据.*已结束 0 个会话，抹除 \d+ 条记录和 \d+ 条变更/s);
});
