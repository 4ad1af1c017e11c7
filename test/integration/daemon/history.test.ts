import { expect, test } from 'vitest';
import { clientOf, startDaemon } from '../../support/disposables.ts';

/** What the history lists of a session that is online, and of one that was evicted. */
async function historyWith(options: Parameters<typeof startDaemon>[0]) {
  const { addr } = await startDaemon(options);
  const client = await clientOf(addr);
  for (const deviceId of ['phone', 'tv', 'web'])
    await client.online({ userId: 'alice', deviceId, serverAddr: '10.0.0.1:9000', clientIp: '203.0.113.7' });
  for (const deviceId of ['phone', 'tv']) await client.evict({ device: { userId: 'alice', deviceId } });
  const { entries } = await client.listHistory({ userId: 'alice' });
  return entries.map(({ deviceId, clientIp }) => [deviceId, clientIp]);
}

test('a history with a limit of 0 lists no session that has ended, although its record is kept', async () => {
  expect(await historyWith({ historyLimit: 0 })).toEqual([['web', '203.0.113.7']]);
});

test.each([
  ['off', undefined],
  ['prefix', '203.0.113.0/24'],
] as const)(
  'with the history IP %j a session that is beyond the limit has no other',
  async (historyIp, kept) => {
    expect(await historyWith({ historyLimit: 1, historyIp })).toEqual([
      ['web', '203.0.113.7'],
      ['tv', kept],
      ['phone', kept],
    ]);
  },
);
