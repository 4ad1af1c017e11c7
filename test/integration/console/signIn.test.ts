import { beforeEach, expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

let file: TokenFile;
let guarded: TestDaemon;

beforeEach(async () => {
  file = await TokenFile.make();
  guarded = await startDaemon({ http, auth: { tokens: file.path } });
});

test('asks for a token, keeps it in the tab, and denies evictions to a reader', async () => {
  const page = await web.openUrl(`${guarded.http}/console/#/users/alice`);
  await page.getByLabel('Token').fill('imstate_wrong');
  await page.keyboard.press('Enter');
  await see(page, 'dialog .fault', 'unknown token');
  await page.getByLabel('Token').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#foot', 'token "reader"');
  const writer = await connect({ endpoints: [guarded.addr], token: file.tokens.writer as string });
  disposables.push(() => writer.close());
  await writer.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  await see(page, '#user tr', /phone.*online/s);
  expect(await page.getByRole('button', { name: 'Evict' }).count()).toBe(0);
  const kept = JSON.stringify(await page.evaluate('[{ ...localStorage }, document.cookie, location.href]'));
  expect(kept).not.toContain(file.tokens.reader);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
});

test('logs a warning for a wrong token, but not for a visit without one', async () => {
  const warnings = () => guarded.logged.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);
  const page = await web.openUrl(`${guarded.http}/console/`);
  await page.getByLabel('Token').fill('imstate_wrong');
  expect(warnings()).toEqual([]);
  await page.keyboard.press('Enter');
  await see(page, 'dialog .fault', 'unknown token');
  expect(warnings()).toMatchObject([{ method: 'GET /api/v1/whoami', code: 'UNAUTHENTICATED' }]);
});

test('shows the error and the owner of a token in Chinese', async () => {
  const page = await web.openUrl(`${guarded.http}/console/#/changes`, { locale: 'zh-CN' });
  await page.getByLabel('令牌').fill('imstate_wrong');
  await page.keyboard.press('Enter');
  await see(page, 'dialog .fault', '凭据无效');
  expect(await page.locator('dialog').textContent()).not.toMatch(/unknown token|revoked|--\w/);
  await page.getByLabel('令牌').fill(file.tokens.admin as string);
  await page.keyboard.press('Enter');
  await see(page, '#foot', '令牌“admin”');
  await see(page, '#link[data-state=live]');
  await file.remove('admin');
  await see(page, 'dialog .fault', '凭据无效');
});

test('asks for another token after a revocation', async () => {
  const page = await web.openUrl(`${guarded.http}/console/#/changes`);
  await page.getByLabel('Token').fill(file.tokens.admin as string);
  await page.keyboard.press('Enter');
  await see(page, '#link[data-state=live]');
  await file.remove('admin');
  await see(page, 'dialog .fault', 'was revoked');
  await page.getByLabel('Token').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#foot', 'token "reader"');
  await see(page, '#link[data-state=live]');
});
