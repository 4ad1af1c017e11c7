import { expect, test } from 'vitest';
import { Meter } from '../../../../src/cli/top/Meter.ts';

const session = {
  sessionId: 's-1',
  serverAddr: '10.0.0.1:9000',
  platform: undefined,
  loginTime: undefined,
  clientIp: undefined,
  label: undefined,
  appVersion: undefined,
};
const ended = (reason: 'LOGOUT' | 'REPLACED' | undefined) => ({
  userId: 'alice',
  deviceId: 'phone',
  sessionId: 's-0',
  serverAddr: '10.0.0.1:9000',
  reason,
  reasonText: undefined,
  by: undefined,
});

test('averages a rate over the last five whole seconds', () => {
  const meter = new Meter(0);
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 20; i++)
      meter.add({ session, ended: second < 5 ? undefined : ended('REPLACED') }, second * 1_000 + i);
  }
  meter.add({ session, ended: undefined }, 10_000);
  expect(meter.rates(10_500)).toEqual({ logins: 20, ends: 20, endsByReason: { REPLACED: 20 } });
  expect(meter.rates(12_000)).toMatchObject({ logins: 61 / 5, ends: 12 });
  expect(meter.rates(20_000)).toEqual({ logins: 0, ends: 0, endsByReason: {} });
});

test('counts what has arrived before the first second is over', () => {
  const meter = new Meter(500);
  meter.add({ session: undefined, ended: ended('LOGOUT') }, 600);
  meter.add({ session: undefined, ended: ended(undefined) }, 700);
  expect(meter.rates(800)).toEqual({ logins: 0, ends: 2, endsByReason: { LOGOUT: 1, UNKNOWN: 1 } });
});
