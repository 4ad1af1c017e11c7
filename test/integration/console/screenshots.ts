// Takes the screenshots of the console for README: npm run screenshots. A clock that is set back creates the
// events of the previous days.
// Needs a font with Chinese characters, such as fonts-noto-cjk of Debian.
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { connect } from '../../../packages/client/src/index.ts';
import { launch } from '../../support/chromium.ts';
import { startTestDaemon } from '../../support/daemon.ts';
import { ensureInstalled } from '../../support/packages.ts';

const FOLDER = 'docs/images';
const HOUR = 3_600_000;
const SERVERS = ['10.0.0.1:9000', '10.0.0.2:9000', '10.0.0.3:9000'];
/** The chat servers of the crowd. They have leases, whose start ends sessions that were online before. */
const LEASED = ['10.0.1.1:9000', '10.0.1.2:9000', '10.0.1.3:9000'];
const PLATFORMS = ['ios', 'android', 'web', 'desktop'];

const now = Date.now;
let behind = 30 * HOUR;
Date.now = () => now() - behind;

const daemon = await startTestDaemon({ http: { addr: '127.0.0.1', port: 0 } });
const client = await connect({ endpoints: [daemon.addr], timeoutMs: 30_000 });
/** What the apps of alice say about themselves. */
const DETAILS: Record<string, { label: string; appVersion: string; clientIp: string }> = {
  phone: { label: 'Alice’s phone', appVersion: '4.2.1', clientIp: '203.0.113.7' },
  tablet: { label: 'Family tablet', appVersion: '4.1.0', clientIp: '203.0.113.12' },
  web: { label: 'Firefox on Linux', appVersion: '2026.11.3', clientIp: '198.51.100.23' },
  desk: { label: 'Office PC', appVersion: '4.2.0', clientIp: '2001:db8:4f:1::23' },
};
const login = (deviceId: string, platform: string, server = 0, ttlMs = 0) =>
  client.online({
    userId: 'alice',
    deviceId,
    platform,
    ...DETAILS[deviceId],
    serverAddr: SERVERS[server] as string,
    ...(ttlMs > 0 && { ttlMs }),
  });

/** What alice does, by hours before now. */
const STORY: [hours: number, act: () => Promise<unknown>][] = [
  [29, () => login('phone', 'ios')],
  [27, () => login('web', 'web', 1)],
  [24.5, () => client.offline({ userId: 'alice', deviceId: 'web' })],
  [21, () => login('phone', 'ios', 2)],
  [14, () => client.offline({ userId: 'alice', deviceId: 'phone' })],
  [9, () => login('phone', 'ios', 1)],
  [8, () => login('tablet', 'android', 2)],
  [6, () => client.evict({ device: { userId: 'alice', deviceId: 'tablet' }, reasonText: 'left in a train' })],
  [5.5, () => login('desk', 'desktop', 0)],
  [3, () => login('web', 'web', 1)],
  [1, () => client.offline({ userId: 'alice', deviceId: 'desk' })],
  [0.5, () => login('tablet', 'android', 0)],
];
for (const [hours, act] of STORY) {
  behind = hours * HOUR;
  await act();
}
behind = 0;
await client.offline({ userId: 'alice', deviceId: 'tablet' });

const servers = LEASED.map((addr) => client.server({ addr, incarnation: now() }));
for (const server of servers) await server.ready;
const crowd = Array.from({ length: 900 }, (_, i) => ({
  userId: `user-${i % 760}`,
  deviceId: i < 760 ? 'phone' : 'web',
  platform: PLATFORMS[(i % 7) % 4] as string,
  ...(i % 3 > 0 && { appVersion: i % 5 === 0 ? '4.1.0' : '4.2.1', clientIp: `203.0.113.${i % 250}` }),
  server: servers[i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : 2] as (typeof servers)[number],
}));
for (const { server, ...session } of crowd.slice(0, 700)) await server.online(session);

/** Logins and logouts in alternating proportions. */
let at = 0;
const traffic = setInterval(() => {
  const tide = Math.sin(now() / 8_000);
  for (let i = 0; i < 2 + (at % 3) + tide; i++) {
    const { server, ...session } = crowd[(at * 37) % crowd.length] as (typeof crowd)[number];
    const leaves = (at * 61) % 100 < 50 - 40 * tide;
    void (leaves ? client.offline(session) : server.online(session)).catch(() => {});
    at += 1;
  }
}, 90);

ensureInstalled({ chromium: 'chromium' });
const browser = await launch();
mkdirSync(FOLDER, { recursive: true });

/** Opens a view, waits, and takes a screenshot. */
async function take(
  name: string,
  view: string,
  {
    width = 1_280,
    height = 800,
    theme = 'light',
    language = 'en-GB',
    waitMs = 1_500,
    prepare = async (_: Page) => {},
  },
): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height },
    locale: language,
    deviceScaleFactor: 1.5,
    timezoneId: 'Europe/Berlin',
    colorScheme: theme === 'dark' ? 'dark' : 'light',
  });
  const page = await context.newPage();
  await page.goto(`${daemon.http}/console/#/${view}`);
  await page.locator('.panel, #search').first().waitFor();
  await page.waitForTimeout(waitMs);
  await prepare(page);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  await context.close();
}

await take('console-user', 'users/alice', {
  prepare: async (page) =>
    void (await page.locator('#user tr', { hasText: 'Alice’s phone' }).getByText('Why?').click()),
});
await take('console-search', 'users?prefix=user-1', { height: 640 });
await take('console-cluster-dark', 'cluster', { theme: 'dark', height: 860, waitMs: 60_000 });
await take('console-changes-chinese', 'changes', { language: 'zh-CN', height: 640, waitMs: 4_000 });
await take('console-phone', 'users/alice', { width: 390, height: 844 });

clearInterval(traffic);
await browser.close();
for (const server of servers) await server.close();
await client.close();
await daemon.remove();
