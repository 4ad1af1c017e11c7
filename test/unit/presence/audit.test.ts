import { describe, expect, test } from 'vitest';
import { pseudonymized } from '../../../src/presence/audit.ts';
import { auditRecord } from '../../support/auditRecord.ts';

describe('pseudonymized()', () => {
  test('leaves the act, who acted, and the pseudonym', () => {
    const target = { type: 'session', userId: 'alice', deviceId: 'imei-1', sessionId: 's1' };
    const identity = { kind: 'TOKEN' as const, name: 'alice' };
    const record = auditRecord({ identity, target, detail: 'sessions ended: 1, reason: Alice Smith' });
    expect(pseudonymized(record, 'alice', 'P')).toEqual({
      ...record,
      target: { type: 'session', userId: 'P' },
      detail: '',
    });
  });

  test.each([
    ['1', { type: 'user', userId: 'bob', deviceId: '1', sessionId: '1' }, 'sessions ended: 1'],
    ['2', { type: 'store' }, 'feature level 1 to 2'],
    ['admin', { type: 'token', name: 'admin' }, 'role admin'],
    ['al', { type: 'user', userId: 'al/phone' }, ''],
  ])('does not touch a record that is not about the user %j', (userId, target, detail) => {
    expect(pseudonymized(auditRecord({ target, detail }), userId, 'P')).toBeUndefined();
  });
});
