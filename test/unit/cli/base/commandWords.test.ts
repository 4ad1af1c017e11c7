import { expect, test } from 'vitest';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { inKeys, inWordsOf } from '../../../../src/cli/base/commandWords.ts';
import { RECORD_KEYS } from '../../../../src/cli/input/onlineRecord.ts';
import { commands } from '../../../../src/main.ts';
import { broken } from '../../../../src/presence/validate.ts';

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
  ['evict', 'user_id', 'USER'],
  ['evict', 'session.user_id', 'USER'],
  ['evict', 'session.device_id', 'DEVICE'],
  ['evict', 'session.session_id', '--session'],
];

test.each(fields)('%s: renames the field %s of an error to %s', (id, field, word) => {
  const error = inWordsOf(broken(field, 'must not be empty'), wordsOf(id));
  expect(error).toMatchObject({ message: `${word} must not be empty`, field: word });
});

test('keeps a message that does not begin with the field', () => {
  const error = new ImstateError('OUT_OF_RANGE', 'the changes are gone', { field: 'resume_revision' });
  expect(inWordsOf(error, wordsOf('watch'))).toMatchObject({
    code: 'OUT_OF_RANGE',
    message: 'the changes are gone',
    field: '--resume',
  });
});

test('keeps errors without a field of the command', () => {
  const other = broken('login_time', 'must be other');
  expect(inWordsOf(other, wordsOf('online'))).toBe(other);
  const none = new ImstateError('INVALID_ARGUMENT', 'user_id is only a word here');
  expect(inWordsOf(none, wordsOf('online'))).toBe(none);
});

test.each([
  ['user_id', 'userId'],
  ['server_addr', 'serverAddr'],
  ['time_to_live', 'ttl'],
  ['login_policy', 'policy'],
  ['server_incarnation', 'serverIncarnation'],
  ['platform', 'platform'],
  ['login_time', 'login_time'],
  ['session.user_id', 'userId'],
  ['device.device_id', 'deviceId'],
])('renames %s to %s in records of a batch', (field, key) => {
  const error = inKeys(broken(field, 'must be other'), RECORD_KEYS);
  expect(error).toMatchObject({ message: `${key} must be other`, field: key });
});
