import { expect, test } from 'vitest';
import { describeLogin } from '../../../../src/cli/output/onlineReport.ts';

const request = { userId: 'alice', deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
const ended = {
  userId: 'alice',
  deviceId: 'web',
  sessionId: 's-0',
  serverAddr: '10.0.0.2:9000',
  reason: 'REPLACED' as const,
  reasonText: undefined,
  by: undefined,
};
const result = {
  sessionId: 's-1',
  loginTime: new Date(0),
  replaced: [ended],
  endReason: undefined,
  rejected: false,
  conflicts: [],
  conflictsOmitted: 0,
  limit: undefined,
  policy: undefined,
  detailsStored: undefined,
};

test('prints how many replaced sessions the response omits', () => {
  const lines = describeLogin(request, { ...result, replacedOmitted: 1_234 });
  expect(lines).toHaveLength(3);
  expect(lines[2]).toContain('1234 more sessions, which did not fit the response');
});

test('does not mention omitted sessions if there are none', () => {
  expect(describeLogin(request, { ...result, replacedOmitted: 0 })).toHaveLength(2);
});
