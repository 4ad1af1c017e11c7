import { expect, test } from 'vitest';
import { see, testConsole } from '../../support/consolePage.ts';
import { disposables } from '../../support/disposables.ts';
import { until } from '../../support/until.ts';

const serverAddr = '10.0.0.1:9000';
const web = testConsole();
/** The first group of a UUID. */
const STORE_ID = '[0-9a-f]{8}';

test('shows counts, leases, daemons, and live charts of the cluster', async () => {
  const server = web.client.server({ addr: serverAddr, incarnation: 7 });
  disposables.push(() => server.close());
  await server.ready;
  await server.online({ userId: 'alice', deviceId: 'phone', platform: 'ios' });
  await web.client.online({ userId: 'bob', deviceId: 'web', serverAddr: '10.0.0.2:9000' });
  const page = await web.open('cluster');
  await see(page, '#servers tr', /10\.0\.0\.1:9000.*1.*alive.*7/s);
  await see(page, '#servers tr', /10\.0\.0\.2:9000.*1.*none/s);
  await see(
    page,
    '#daemons tr',
    new RegExp(`${web.daemon.addr}.*registered.*serves this page.*${STORE_ID}`, 's'),
  );
  await see(page, '#platforms tr', /ios/);
  await see(page, '#count-users', '2');
  await page.locator('#online canvas').waitFor();
  await page.locator('#rate canvas').waitFor();
  await web.client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
  await see(page, '#count-devices', '3');
  const draw = () => page.evaluate("document.querySelector('#online canvas').toDataURL()");
  const drawn = await draw();
  await until(async () => (await draw()) !== drawn, 'the chart is updated');
});

test('links a chat server to its sessions and their changes', async () => {
  await web.client.online({ userId: 'alice', deviceId: 'phone', serverAddr });
  const page = await web.open('cluster');
  await page.locator('#servers tr', { hasText: serverAddr }).click();
  await see(page, '#sessions tbody tr', /alice.*phone/s);
  await page.getByRole('link', { name: 'Live changes' }).click();
  await see(page, '#changes', 'Waiting for a change');
  await see(page, '#link[data-state=live]');
  await web.client.online({ userId: 'bob', deviceId: 'phone', serverAddr: '10.0.0.2:9000' });
  await web.client.online({ userId: 'carol', deviceId: 'phone', serverAddr });
  await see(page, '#changes tbody tr', 'carol');
  expect(await page.locator('#changes tbody tr', { hasText: 'bob' }).count()).toBe(0);
});
