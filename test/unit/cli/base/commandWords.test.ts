import { expect, test } from 'vitest';
import { withKeys, withOwnNames } from '../../../../src/cli/base/commandWords.ts';
import { RECORD_KEYS } from '../../../../src/cli/input/onlineRecord.ts';
import { commands } from '../../../../src/main.ts';

function wordsOf(id: keyof typeof commands) {
  const { args, flags, baseFlags } = commands[id];
  return { args: Object.keys(args), flags: Object.keys({ ...baseFlags, ...flags }) };
}

const fields: [keyof typeof commands, string, string][] = [
  ['online', 'user_id', 'USER'],
  ['online', 'device_id', 'DEVICE'],
  ['online', 'server_addr', '--server-addr'],
  ['online', 'session_id', '--session'],
  ['online', 'platform', '--platform'],
  ['online', 'metadata', '--metadata'],
  ['online', 'time_to_live', '--ttl'],
  ['online', 'login_policy', '--policy'],
  ['online', 'server_incarnation', '--incarnation'],
  ['offline', 'session_id', '--session'],
  ['offline', 'grace', '--grace'],
  ['query', 'device_id', 'DEVICE'],
  ['history', 'page_size', '--limit'],
  ['sessions', 'server_addr', '--server-addr'],
  ['watch', 'user_ids[3]', 'USER'],
  ['watch', 'server_addrs', '--server'],
  ['watch', 'server_addrs[0]', '--server'],
  ['watch', 'resume_revision', '--resume'],
  ['evict', 'user_id', '--user'],
  ['evict', 'session.user_id', '--user'],
  ['evict', 'session.device_id', '--device'],
  ['evict', 'session.session_id', '--session'],
];

test.each(fields)('%s: %s is %s, at the beginning of a message and within it', (id, field, word) => {
  const words = wordsOf(id);
  expect(withOwnNames(`${field} must be other`, words)).toBe(`${word} must be other`);
  if (!/^[a-z]+_[a-z_]+$/.test(field)) return;
  expect(withOwnNames(`it must not be with ${field}, or ${field}: no`, words)).toBe(
    `it must not be with ${word}, or ${word}: no`,
  );
});

test('policies are named as the flag takes them', () => {
  const message = 'platform must be given with LOGIN_POLICY_REPLACE_SAME_PLATFORM';
  expect(withOwnNames(message, wordsOf('online'))).toBe(
    '--platform must be given with --policy replace-same-platform',
  );
});

test.each(['login_time must be other', 'it says "user_id" in quotes', 'a-user_id-b', 'plain words only'])(
  'what is no field of the command stays: %s',
  (message) => {
    expect(withOwnNames(message, wordsOf('online'))).toBe(message);
  },
);

test.each([
  ['user_id', 'userId'],
  ['server_addr', 'serverAddr'],
  ['time_to_live', 'ttl'],
  ['login_policy', 'policy'],
  ['server_incarnation', 'serverIncarnation'],
  ['platform', 'platform'],
  ['login_time', 'login_time'],
])('a record of a batch has its own keys: %s is %s', (field, key) => {
  expect(withKeys(`${field} must be other`, RECORD_KEYS)).toBe(`${key} must be other`);
});
