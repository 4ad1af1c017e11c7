import { describe, expect, test } from 'vitest';
import { pseudonymized } from '../../../src/presence/audit.ts';
import { auditRecord } from '../../support/auditRecord.ts';

const record = auditRecord({ identity: { kind: 'TOKEN', name: 'alice' }, detail: '' });

function detailOf(userId: string, detail: string): string {
  const other = { ...record, target: { type: 'server' }, detail };
  return pseudonymized(other, userId, 'P')?.detail ?? detail;
}

describe('pseudonymized()', () => {
  test('replaces the user of the target, and nothing of who acted', () => {
    expect(pseudonymized(record, 'alice', 'P')).toEqual({ ...record, target: { type: 'user', userId: 'P' } });
    expect(pseudonymized(record, 'bob', 'P')).toBeUndefined();
  });

  test.each([
    ['alice', 'alice asked; (alice), "alice"', 'P asked; (P), "P"'],
    ['alice', 'malice, alice2 and alice_x stay', 'malice, alice2 and alice_x stay'],
    ['a.b+c', 'a.b+c, not axb+c', 'P, not axb+c'],
    ['ärger', 'bärger ärger', 'bärger P'],
    ['用户', '用户 和 用户1', 'P 和 用户1'],
    ['$&', 'costs $& here', 'costs P here'],
    ['-', 'a - b', 'a P b'],
  ])('replaces the id %j where it is a word of %j', (userId, detail, expected) => {
    expect(detailOf(userId, detail)).toBe(expected);
  });

  test('a pseudonym is no pattern', () => {
    expect(pseudonymized({ ...record, detail: 'alice' }, 'alice', '$&$1')?.detail).toBe('$&$1');
  });
});
