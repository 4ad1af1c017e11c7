import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();

const ONE_PER_CLASS = {
  name: 'one-per-class',
  platforms: ['fridge'],
  classes: { mobile: ['ios', 'android'], desktop: ['windows', 'macos'], web: ['web', 'fridge'] },
  limits: [
    { per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' },
    { per: 'platform', max: 3, onConflict: 'KICK_ALL' },
    { per: 'user', max: 2, onConflict: 'REJECT' },
  ],
  exclusive: [['desktop', 'web']],
} as const;

/** The dry run in a URL. */
const ofAlice = (platform: string, more = '') => `policies?userId=alice&platform=${platform}${more}`;

/** Stores the policy as the default. */
async function storeDefault(): Promise<void> {
  await web.client.putPolicy(ONE_PER_CLASS);
  await web.client.setDefaultPolicy(ONE_PER_CLASS.name);
}

/** A login of alice that no policy hinders. */
function login(deviceId: string, platform: string, label?: string) {
  const session = { userId: 'alice', deviceId, platform, label, serverAddr, sessionId: `${deviceId}-1` };
  return web.client.online({ ...session, policy: 'keep-all' });
}

/** The policy of the dry run. */
function policySelect(page: Page): Locator {
  return page.getByRole('combobox', { name: 'Policy' });
}

/** Fills the form of the dry run, and submits it. */
async function tryLogin(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label).fill(value);
  await page.getByRole('button', { name: 'Try the login' }).click();
}

test('shows that the default accepts every login at first', async () => {
  const page = await web.open('cluster');
  await page.getByRole('link', { name: 'Policies' }).click();
  await see(page, '#default-policy h2', /Default policy.*keep-all.*built-in preset/s);
  await see(page, '#default-policy', 'Every login is accepted; no session ends because of it.');
  expect(await page.locator('#default-policy dl').count()).toBe(0);
  await see(page, '#policies', 'No policy is stored.');
  await login('phone', 'ios');
  await tryLogin(page, { 'User ID': 'alice', Platform: 'ios' });
  await see(page, '#verdict', 'The login would be accepted, and no session would end.');
  await see(page, '#verdict dd', 'keep-all');
});

test('shows the classes, limits and exclusive groups of the default policy', async () => {
  await storeDefault();
  const page = await web.open('policies');
  await see(page, '#default-policy h2', /one-per-class.*version 1 · by anonymous/s);
  expect(await page.locator('#default-policy li').allTextContents()).toEqual([
    'mobile: ios, android',
    'desktop: windows, macos',
    'web: web, fridge',
    'other: all other platforms, and sessions without one',
    'At most 1 session of class mobile: the oldest sessions end.',
    'At most 3 sessions on each platform: all other sessions in the scope end.',
    'At most 2 sessions in all: the login is rejected.',
    'Only one of desktop and web can be online: the newer login ends the others.',
  ]);
  const short = 'mobile: 1 · each platform: 3 · in all: 2 (reject) · only one of desktop and web';
  expect(await page.locator('#policies tr.opens td').allTextContents()).toEqual([
    'one-per-classdefault',
    '1',
    'anonymous',
    short,
    'Details',
  ]);
  await see(page, '#status', 'Default policy: one-per-class. Stored policies: 1.');
});

/** Stores two policies beside the default: `groups` before it, and `others` after it. */
async function storeSome(): Promise<void> {
  await storeDefault();
  const classes = { big: ['tv'], small: ['watch'], old: ['linux'] };
  await web.client.putPolicy({ name: 'groups', classes, exclusive: [['big', 'small', 'old']] });
  await web.client.putPolicy({
    name: 'others',
    limits: [{ per: 'class', class: 'other', max: 2, onConflict: 'REJECT' }],
  });
}

test('opens the details of one stored policy at a time, and keeps it in the URL', async () => {
  await storeSome();
  const page = await web.open('policies');
  const details = (name: string) => page.getByRole('button', { name: `Details ${name}` });
  await details('groups').click();
  await see(page, '#policies .detail:visible', 'Only one of big, small and old can be online');
  expect(new URL(page.url()).hash).toBe('#/policies?name=groups');
  expect(await details('groups').getAttribute('aria-expanded')).toBe('true');
  expect(await details('groups').evaluate((button) => button.matches(':focus'))).toBe(true);
  await details('others').click();
  await see(page, '#policies .detail:visible', 'other: all platforms, and sessions without one');
  expect(await page.locator('#policies .detail:visible').count()).toBe(1);
  await page.goBack();
  await see(page, '#policies .detail:visible', 'Only one of big, small and old');
});

test('opens a policy by its link, and others with the keyboard', async () => {
  await storeSome();
  const page = await web.open('policies?name=groups');
  await page.locator('#policies tr:focus', { hasText: 'groups' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await see(page, '#policies .detail:visible', 'At most 1 session of class mobile');
  await page.keyboard.press('Enter');
  await page.locator('#policies .detail:visible').waitFor({ state: 'detached' });
  expect(new URL(page.url()).hash).toBe('#/policies');
  await page.getByRole('link', { name: 'others' }).click();
  await see(page, '#policies .detail:visible', 'At most 2 sessions of class other: the login is rejected.');
  const gone = await web.open('policies?name=gone');
  await see(gone, '#policies .bad', 'There is no stored policy “gone”.');
});

test('shows what a dry run would end, and ends nothing', async () => {
  await storeDefault();
  await login('phone', 'ios', "Anna's phone");
  const page = await web.open('policies');
  await see(page, '#trial', 'A dry run changes nothing');
  await tryLogin(page, { 'User ID': 'alice', Platform: 'android' });
  const verdict = 'The login would be accepted, and this session would end.';
  await see(page, '#verdict', verdict);
  await see(page, '#status', verdict);
  await see(page, '#verdict tbody tr', /phone.*10\.0\.0\.1:9000.*phone-1/s);
  await see(page, '#verdict', /a new device.*As of \d\d:\d\d:\d\d\. Nothing was changed\./s);
  expect(new URL(page.url()).hash).toBe('#/policies?userId=alice&platform=android');
  const { devices } = await web.client.getUser({ userId: 'alice' });
  expect(devices.map(({ deviceId, online }) => [deviceId, online])).toEqual([['phone', true]]);
  await page.locator('#verdict').getByRole('link', { name: 'alice' }).click();
  await see(page, '#user .lead', 'Online on 1 of 1 device.');
  await page.goBack();
  await see(page, '#verdict', verdict);
});

test('tries a login of a certain device, and by another policy than the default', async () => {
  await storeDefault();
  await web.client.putPolicy({ name: 'open' });
  await login('phone', 'ios');
  const page = await web.open('policies');
  await see(page, '#policies tr.opens', 'open');
  expect(await policySelect(page).locator('option').allTextContents()).toEqual([
    'The default (one-per-class)',
    'one-per-class',
    'open',
  ]);
  await policySelect(page).selectOption('open');
  await tryLogin(page, { 'User ID': 'alice', Platform: 'ios' });
  await see(page, '#verdict', 'no session would end');
  await tryLogin(page, { 'Device ID': 'phone' });
  await see(page, '#verdict tbody tr', 'phone-1');
  expect(new URL(page.url()).hash).toBe('#/policies?userId=alice&platform=ios&policy=open&deviceId=phone');
  const preset = await web.open(ofAlice('ios', '&policy=turms-one-device-reject'));
  await see(preset, '#verdict', 'The login would be rejected by the limit “At most 1 session in all”.');
  expect(await policySelect(preset).inputValue()).toBe('turms-one-device-reject');
});

test('shows which sessions stand in the way of a login that is rejected', async () => {
  await storeDefault();
  await login('phone', 'ios', "Anna's phone");
  await login('pc', 'windows');
  const page = await web.open(ofAlice('tv'));
  await see(
    page,
    '#verdict',
    'The login would be rejected by the limit “At most 2 sessions in all”. These 2 sessions stand in its way.',
  );
  await see(
    page,
    '#verdict tbody tr',
    /Anna's phone.*phone.*ios.*10\.0\.0\.1:9000.*phone-1.*\d\d:\d\d:\d\d/s,
  );
  expect(await page.locator('#verdict tbody tr').count()).toBe(2);
});

test('says how many more sessions stand in the way', async () => {
  await web.client.putPolicy({
    name: 'forty',
    limits: [{ per: 'user', max: 40, onConflict: 'REJECT' }],
  });
  for (let i = 0; i < 40; i++) await login(`device-${i}`, 'web');
  const page = await web.open(ofAlice('web', '&policy=forty'));
  await see(page, '#verdict', 'These 40 sessions stand in its way.');
  await see(page, '#verdict .note', '8 more sessions are not shown.');
});

test('shows at its field why a dry run is rejected, in both languages', async () => {
  const page = await web.open('policies');
  const userId = page.getByLabel('User ID');
  await tryLogin(page, { 'User ID': '汉'.repeat(100), Platform: 'ios' });
  await see(page, '#trial-userId-fault', 'userId must be at most 256 bytes of UTF-8; this one has 300');
  await page.locator('#trial-userId:focus').waitFor();
  expect(await userId.getAttribute('aria-invalid')).toBe('true');
  await tryLogin(page, { 'User ID': 'alice', Platform: 'p'.repeat(200) });
  await see(page, '#trial-platform-fault', 'platform must be at most');
  expect(await userId.getAttribute('aria-invalid')).toBe('false');
  expect(await page.locator('#trial-userId-fault').textContent()).toBe('');
  await tryLogin(page, { Platform: 'ios' });
  await see(page, '#verdict', 'The login would be accepted');
  await tryLogin(page, { 'User ID': '' });
  await see(page, '#trial-userId-fault', 'userId must not be empty');
  expect(await page.locator('#verdict').textContent()).toBe('');
  const chinese = await web.open(ofAlice('ios', '&policy=gone'), { locale: 'zh-CN' });
  await see(chinese, '#trial-policy-fault', '会话策略："gone" 不是会话策略');
});

test('neither tries nor saves a token', async () => {
  const page = await web.open('policies');
  await tryLogin(page, { 'User ID': 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl' });
  await see(page, '#trial-userId-fault', 'This looks like a token');
  expect(new URL(page.url()).hash).toBe('#/policies');
});

test('follows changes of the policies, and keeps what is in the form', async () => {
  const page = await web.open('policies');
  await page.getByLabel('User ID').fill('alice');
  await storeDefault();
  await see(page, '#default-policy h2', 'one-per-class');
  await see(page, '#policies tr.opens', 'one-per-class');
  expect(await policySelect(page).locator('option').count()).toBe(2);
  expect(await page.getByLabel('User ID').inputValue()).toBe('alice');
});

test('reports a daemon that does not respond, and continues when it does', async () => {
  const page = await web.open('policies');
  await see(page, '#policies', 'No policy is stored.');
  const { port } = new URL(web.daemon.http as string);
  const { dataDir } = web.daemon;
  await web.daemon.stop();
  await tryLogin(page, { 'User ID': 'alice' });
  await see(page, '#trial form > .fault', 'The daemon does not respond.');
  await see(page, '#banner', 'No connection to the daemon since');
  await startDaemon({ http: { ...http, port: Number(port) }, dataDir });
  await page.locator('#banner').waitFor({ state: 'hidden' });
  await tryLogin(page, {});
  await see(page, '#verdict', 'The login would be accepted');
  expect(await page.locator('#trial form > .fault').textContent()).toBe('');
});

test('needs no other role than reader, and names the author', async () => {
  const file = await TokenFile.make();
  const guarded = await startDaemon({ http, auth: { tokens: file.path } });
  const admin = await connect({ endpoints: [guarded.addr], token: file.tokens.admin as string });
  disposables.push(() => admin.close());
  await admin.putPolicy(ONE_PER_CLASS);
  const page = await web.openUrl(`${guarded.http}/console/#/policies`);
  await page.getByLabel('Token').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#policies tr.opens', /one-per-class.*1.*admin/s);
  await tryLogin(page, { 'User ID': 'alice', Platform: 'ios' });
  await see(page, '#verdict', 'The login would be accepted');
});

test('can be used with the keyboard only', async () => {
  const page = await web.open('cluster');
  await see(page, '#daemons tr', 'serves this page');
  await page.keyboard.press('5');
  await see(page, '#default-policy h2', 'keep-all');
  await page.getByLabel('User ID').focus();
  await page.keyboard.type('alice');
  await page.keyboard.press('Tab');
  await page.keyboard.type('ios');
  await page.keyboard.press('Enter');
  await see(page, '#verdict', 'The login would be accepted');
  await page.locator('#trial-platform:focus').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('7');
  await see(page, '#audit', 'No record matches.');
});

test('is there in Chinese', async () => {
  await storeDefault();
  await login('phone', 'ios', "Anna's phone");
  await login('pc', 'windows');
  const page = await web.open(`${ofAlice('tv')}&name=one-per-class`, { locale: 'zh-CN' });
  await see(page, '#tabs [aria-current]', '会话策略');
  await see(page, '#default-policy h2', /默认策略.*one-per-class.*版本 1 · 修改者：匿名/s);
  const rules = [
    'mobile：ios, android',
    'desktop：windows, macos',
    'web：web, fridge',
    'other：其余所有平台，以及未注明平台的会话',
    '类别 mobile 最多 1 个会话，超出时结束最早的会话。',
    '每个平台最多 3 个会话，超出时结束该范围内的其他所有会话。',
    '所有平台合计最多 2 个会话，超出时拒绝登录。',
    'desktop、web 中同时只能有一类在线：新登录会结束其他类别的会话。',
  ];
  expect(await page.locator('#default-policy li').allTextContents()).toEqual(rules);
  expect(await page.locator('#policies .detail:visible li').allTextContents()).toEqual(rules);
  await see(page, '#policies tr.opens', 'mobile：1 · 每个平台：3 · 合计：2（拒绝） · desktop、web 互斥');
  await see(page, '#trial', '试运行不会改动任何数据');
  await see(
    page,
    '#verdict',
    '登录会被拒绝，因为超出限制“所有平台合计最多 2 个会话”。以下 2 个会话占用了名额。',
  );
  await page.getByLabel('平台').fill('ios');
  await page.getByRole('button', { name: '试运行' }).click();
  await see(page, '#verdict', '登录会被接受，并结束以下 1 个会话。');
  await see(page, '#verdict', /截至 \d\d:\d\d:\d\d 的结果，没有改动任何数据。/);
});

test('fits phones and desktops', async () => {
  const long = (letter: string) => letter.repeat(64);
  const [first, second, platform] = [long('a'), long('b'), 'p'.repeat(32)];
  await web.client.putPolicy({
    name: long('x'),
    platforms: [platform],
    classes: { [first]: [platform], [second]: ['web'] },
    limits: [{ per: 'class', class: first, max: 1, onConflict: 'REJECT' }],
    exclusive: [[first, second]],
  });
  await web.client.setDefaultPolicy(long('x'));
  await login('i'.repeat(200), platform, 'W'.repeat(64));
  for (const width of [360, 1_440]) {
    const view = ofAlice(platform, `&name=${long('x')}`);
    const page = await web.open(view, { viewport: { width, height: 800 } });
    await see(page, '#verdict tbody tr', 'W'.repeat(64));
    expect(await page.evaluate('document.scrollingElement.scrollWidth')).toBe(width);
  }
});
