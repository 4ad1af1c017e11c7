import { expect, test } from 'vitest';
import type { Client, WatchEvent } from '../../../../packages/client/src/index.ts';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { waitFor } from '../../../../src/cli/base/waitFor.ts';

/** A client whose watch yields these events, and then nothing until it is closed. */
function clientWithEvents(...events: WatchEvent[]): Pick<Client, 'watch'> {
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  async function* yieldEvents(): AsyncGenerator<WatchEvent> {
    yield* events;
    await closed;
  }
  const watch = Object.assign(yieldEvents(), { close });
  return { watch: () => watch as unknown as ReturnType<Client['watch']> };
}

const session = {
  sessionId: 's-1',
  serverAddr: '10.0.0.1:9000',
  platform: undefined,
  loginTime: undefined,
  clientIp: undefined,
  label: undefined,
  appVersion: undefined,
};
const change = (deviceId: string, online: boolean): WatchEvent => ({
  type: 'change',
  userId: 'alice',
  deviceId,
  wasOnline: !online,
  online,
  userOnline: online,
  moved: false,
  session: online ? session : undefined,
  ended: undefined,
  time: undefined,
  devicesOnline: 1,
  changeId: 'c',
  revision: 'r',
});
const synced: WatchEvent = { type: 'synced', revision: 'r' };
const offline: WatchEvent = { type: 'snapshot', userId: 'alice', devices: [] };
const disconnected: WatchEvent = { type: 'disconnected', error: new ImstateError('UNAVAILABLE', 'gone') };
const request = { userId: 'alice', deviceId: undefined, online: true, limitMs: 60_000 };

test('ignores other devices if a device is given', async () => {
  const client = clientWithEvents(offline, synced, change('web', true), change('phone', true));
  const sessions = await waitFor(client, { ...request, deviceId: 'phone' });
  expect([...sessions]).toEqual([['phone', session]]);
});

test('counts a user as offline when the last device is', async () => {
  const client = clientWithEvents(
    ...[offline, change('web', true), change('phone', true), synced],
    ...[change('phone', false), change('web', false)],
  );
  expect(await waitFor(client, { ...request, online: false })).toEqual(new Map());
});

test('waits for the snapshot even if the time limit passes first', async () => {
  const client = clientWithEvents(offline, change('web', true), change('web', false), synced);
  expect(await waitFor(client, { ...request, limitMs: 0 })).toEqual(new Map());
});

test('discards events received before changes were lost', async () => {
  const lost: WatchEvent = { type: 'lost', reason: 'gone' };
  const client = clientWithEvents(change('web', true), lost, offline, synced, change('phone', true));
  expect([...(await waitFor(client, request)).keys()]).toEqual(['phone']);
});

test('fails with an unknown state if no daemon responds within the time limit', async () => {
  const client = clientWithEvents(offline, synced, disconnected);
  await expect(waitFor(client, { ...request, limitMs: 10 })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'it is not known whether alice is online: gone',
  });
});
