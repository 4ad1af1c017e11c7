import { expect, test } from 'vitest';
import { connect } from '../../../packages/client/src/index.ts';
import { http, see, testConsole } from '../../support/consolePage.ts';
import { TokenFile } from '../../support/credentials.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';

const addr = '10.0.0.1:9000';
const web = testConsole();

test('drains a chat server within the given minutes, and cancels it', async () => {
  const server = web.client.server({ addr });
  disposables.push(() => server.close());
  await server.ready;
  await server.online({ userId: 'alice', deviceId: 'phone' });
  await web.client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
  const page = await web.open('cluster');
  const leaseOf = async () =>
    (await web.client.listServers()).servers.find(({ serverAddr }) => serverAddr === addr)?.lease;
  await page.getByRole('button', { name: `Drain ${addr}` }).click();
  await see(page, 'dialog', /10\.0\.0\.1:9000.*It closes 1 session\./s);
  await page.getByLabel('Within minutes').fill('61');
  await page.locator('dialog').getByRole('button', { name: 'Drain' }).click();
  expect(await leaseOf()).toMatchObject({ state: 'ALIVE' });
  // Part of the store is unavailable: the dialog stays, to try again.
  await page.route('**/api/v1/drain', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), partial: true } });
  });
  await page.getByLabel('Within minutes').fill('60');
  await page.locator('dialog').getByRole('button', { name: 'Drain' }).click();
  await see(page, 'dialog', 'Part of the store does not respond');
  await page.unroute('**/api/v1/drain');
  await page.getByLabel('Within minutes').fill('30');
  await page.locator('dialog').getByRole('button', { name: 'Drain' }).click();
  await see(page, '#servers tr', 'draining');
  const { state, drainDeadline } = (await leaseOf()) ?? {};
  expect([state, Number(drainDeadline) > Date.now() + 20 * 60_000]).toEqual(['DRAINING', true]);
  await page.getByRole('button', { name: `Cancel drain ${addr}` }).click();
  await page.locator('dialog').getByRole('button', { name: 'Cancel drain' }).click();
  await see(page, '#servers tr', 'alive');
  expect(await leaseOf()).toMatchObject({ state: 'ALIVE' });
  // Without a lease a chat server cannot drain.
  expect(await page.getByRole('button', { name: 'Drain 10.0.0.2:9000' }).count()).toBe(0);
});

test('offers no drain without the role admin', async () => {
  const file = await TokenFile.make();
  const daemon = await startDaemon({ http, auth: { tokens: file.path } });
  const client = await connect({ endpoints: [daemon.addr], token: file.tokens.writer as string });
  disposables.push(() => client.close());
  const server = client.server({ addr });
  disposables.push(() => server.close());
  await server.ready;
  const page = await web.openUrl(`${daemon.http}/console/#/cluster`);
  await page.locator('dialog input').fill(file.tokens.reader as string);
  await page.keyboard.press('Enter');
  await see(page, '#servers tr', addr);
  expect(await page.locator('#servers').getByRole('button').count()).toBe(0);
});
