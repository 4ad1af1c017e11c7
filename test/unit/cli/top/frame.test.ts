import { describe, expect, test } from 'vitest';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { frame } from '../../../../src/cli/top/frame.ts';
import type { Snapshot } from '../../../../src/cli/top/snapshot.ts';
import { sparkline } from '../../../../src/cli/top/text.ts';

const snapshot: Snapshot = {
  time: new Date('2026-11-23T08:00:00Z'),
  service: 'im/state-server',
  registry: 'etcd 127.0.0.1:2379',
  stats: {
    usersOnline: 1_200,
    devicesOnline: 1_500,
    devicesByPlatform: { ios: 900, '': 600 },
    devicesByServer: {},
    devicesOnOtherServers: 0,
    partial: false,
  },
  online: [0, 700, 1_400],
  rates: { logins: 12.34, ends: 120.4, endsByReason: { LOGOUT: 0.4, SERVER_LOST: 120 } },
  daemons: [
    { addr: '127.0.0.1:8081', health: 'SERVING', latencyMs: 1.5, latencies: [1, 2] },
    { addr: '127.0.0.1:8082', health: 'UNREACHABLE', latencyMs: undefined, latencies: [] },
  ],
  servers: Array.from({ length: 40 }, (_, i) => ({
    serverAddr: `10.0.0.${i}:9000`,
    sessions: 1_000 - i,
    lease: undefined,
  })),
  hasMoreServers: false,
  faults: [],
};

test('shows everything on 80 columns, daemons above chat servers', () => {
  const lines = frame(snapshot, { columns: 80, rows: 24 }, true);
  expect(lines.slice(0, 8).map((line) => line.trimEnd())).toEqual([
    'imstate top  im/state-server  etcd 127.0.0.1:2379            08:00:00Z  q leaves',
    'users 1,200   devices 1,500   ▁▅█',
    'logins 12.3/s   ends 120/s: server lost 120, logout 0.4',
    'platforms  ios 900  not named 600',
    '',
    `${'DAEMON'.padEnd(43)}HEALTH          LATENCY`,
    `${'127.0.0.1:8081'.padEnd(43)}SERVING         1.50 ms  ▁█`,
    `${'127.0.0.1:8082'.padEnd(43)}UNREACHABLE           -`,
  ]);
  expect(lines).toHaveLength(24);
  expect(lines.at(-1)).toBe('and 27 others');
});

test('shows chat servers beside daemons on 200 columns', () => {
  const lines = frame(snapshot, { columns: 200, rows: 24 }, true);
  expect(lines[5]).toMatch(/^DAEMON +HEALTH +LATENCY +CHAT SERVER +SESSIONS +LEASE +LEFT$/);
  expect(lines[6]).toMatch(/^127\.0\.0\.1:8081 +SERVING +1\.50 ms +▁█ +10\.0\.0\.0:9000 +1,000 +- +-$/);
  expect(lines).toHaveLength(24);
});

describe('a frame', () => {
  const sizes = [1, 2, 5, 12, 40, 80, 149, 150, 200, 300].flatMap((columns) =>
    [1, 3, 6, 10, 24, 60].map((rows) => ({ columns, rows })),
  );
  test.each(sizes)('fits into $columns columns and $rows rows', (size) => {
    const faults = [new ImstateError('UNAVAILABLE', `no daemon answers ${'at all '.repeat(50)}`)];
    for (const some of [snapshot, { ...snapshot, faults, stats: undefined, rates: undefined, online: [] }]) {
      const lines = frame(some, size, true);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(size.columns);
    }
  });
});

test('escapes control characters of registry entries', () => {
  const daemons = [{ ...snapshot.daemons[0], addr: '\x1b[2J\r\n\x9bevil:1' }] as Snapshot['daemons'];
  const lines = frame({ ...snapshot, daemons }, { columns: 80, rows: 24 }, true);
  expect(lines.join('')).toContain('\\u001b[2J\\r\\n\\u009bevil:1');
});

test('scales a sparkline from minimum to maximum, and draws equal values flat', () => {
  expect(sparkline([5, 6, 7, 12], 3)).toBe('▁▂█');
  expect(sparkline([0, 0], 10)).toBe('▁▁');
  expect(sparkline([3, 3, 3], 2)).toBe('▄▄');
  expect(sparkline([], 5)).toBe('');
  expect(sparkline([1], 0)).toBe('');
});
