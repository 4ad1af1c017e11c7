import { expect, test, vi } from 'vitest';
import { clientOf, disposables } from '../../support/disposables.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { until } from '../../support/until.ts';
import { WebhookReceiver } from '../relay/receiver.ts';
import { stop, Versions } from './versions.ts';

// Several daemons start in each test.
vi.setConfig({ testTimeout: 180_000 });

async function startReceiver(): Promise<WebhookReceiver> {
  const receiver = await WebhookReceiver.start();
  disposables.push(() => receiver.close());
  return receiver;
}

test('a relay delivers everything beside a daemon of version 0.1.0, and after its upgrade', async () => {
  const versions = new Versions();
  const old = await versions.startOld();
  const upgraded = await versions.startNew();
  const receiver = await startReceiver();
  const flags = ['--name', 'x', '--to', receiver.url, '--allow-private'];
  const relay = spawnImstate(['relay', 'run', ...flags, '--endpoint', `${old.addr},${upgraded.addr}`]);
  disposables.push(() => relay.signal('SIGKILL'));
  const [toOld, toNew] = [await clientOf(old.addr), await clientOf(upgraded.addr)];
  await until(async () => (await toNew.listRelays())[0]?.revision, 'the relay has begun');
  const online = () => receiver.events.filter(({ type }) => type === 'presence.user.online').length;
  for (let i = 0; i < 20; i++) {
    const client = i % 2 === 0 ? toOld : toNew;
    await client.online({ userId: `user-${i}`, deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  }
  await until(() => online() >= 20, 'the events arrive');
  await stop(old);
  await toNew.online({ userId: 'last', deviceId: 'phone', serverAddr: '10.0.0.1:9000' });
  await until(() => online() >= 21, 'the last event arrives');
  expect(new Set(receiver.events.map(({ id }) => id)).size).toBe(42);
  relay.signal('SIGTERM');
  expect(await relay.ended).toBe(0);
});

test('a relay says that daemons of version 0.1.0 know no relays', async () => {
  const old = await new Versions().startOld();
  const flags = ['--name', 'x', '--to', (await startReceiver()).url, '--allow-private'];
  const relay = spawnImstate(['relay', 'run', ...flags, '--endpoint', old.addr]);
  expect(await relay.ended).toBe(1);
  expect(relay.stderr()).toMatch(/upgrade/);
  await stop(old);
});
