import { expect, test } from 'vitest';
import { type Credential, compareCredentials } from '../../../../src/daemon/auth/credentialChanges.ts';

function credential(name: string, changes: Partial<Credential> = {}): Credential {
  return { name, role: 'reader', serverAddrs: undefined, secret: 'secret-1', ...changes };
}

test('names what was added, changed and removed, and no secret', () => {
  const before = [credential('stays'), credential('goes'), credential('rises'), credential('moves')];
  const after = [
    credential('stays'),
    credential('rises', { role: 'admin', secret: 'secret-2' }),
    credential('moves', { serverAddrs: ['a:1'] }),
    credential('comes', { role: 'writer' }),
  ];
  const changes = compareCredentials('token', before, after);
  expect(changes).toEqual([
    { kind: 'token', change: 'add', name: 'comes', detail: 'role writer' },
    {
      kind: 'token',
      change: 'change',
      name: 'rises',
      detail: 'role admin instead of reader; another secret',
    },
    { kind: 'token', change: 'change', name: 'moves', detail: 'other chat servers' },
    { kind: 'token', change: 'remove', name: 'goes', detail: 'role reader' },
  ]);
  expect(JSON.stringify(changes)).not.toContain('secret-');
});

test('of several entries with one name, compares the first', () => {
  const twice = [credential('a', { role: 'admin' }), credential('a')];
  expect(compareCredentials('certificate', twice, [credential('a', { role: 'admin' })])).toEqual([]);
  expect(compareCredentials('certificate', [], twice)).toHaveLength(1);
});
