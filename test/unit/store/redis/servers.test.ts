import type { Lease } from 'imstate-client/internal/shared/session';
import { expect, test } from 'vitest';
import { mergeServers } from '../../../../src/store/redis/servers.ts';

function lease(state: Lease['state'], expireTimeMs: number): Lease {
  return { state, incarnation: 1, ttlMs: 10_000, expireTimeMs, drainDeadlineMs: undefined };
}

test('sessions of all shards add up, in the order of the bytes of the addresses', () => {
  const servers = mergeServers([
    [
      { serverAddr: 'b:1', sessions: 2, lease: undefined },
      { serverAddr: 'a:1', sessions: 1, lease: undefined },
    ],
    [{ serverAddr: 'b:1', sessions: 3, lease: undefined }],
  ]);
  expect(servers.map(({ serverAddr, sessions }) => [serverAddr, sessions])).toEqual([
    ['a:1', 1],
    ['b:1', 5],
  ]);
});

test('the worst lease of all shards counts, with the earliest end', () => {
  const leases = [lease('ALIVE', 3_000), lease('LOST', 2_000), lease('RESYNC', 1_000)];
  const [server] = mergeServers(leases.map((each) => [{ serverAddr: 'a:1', sessions: 0, lease: each }]));
  expect(server?.lease).toEqual(lease('LOST', 1_000));
});
