import { expect, test } from 'vitest';
import { decodeBadRequest, encodeBadRequest } from '../../../../packages/client/src/wire/badRequest.ts';

/** A google.rpc.Status with a google.rpc.BadRequest in a google.protobuf.Any, byte by byte. */
const BY_HAND = Buffer.concat([
  Buffer.from([0x08, 3, 0x12, 9]),
  Buffer.from('the rules'),
  Buffer.from([0x1a, 57, 0x0a, 41]),
  Buffer.from('type.googleapis.com/google.rpc.BadRequest'),
  Buffer.from([0x12, 14 - 2, 0x0a, 10, 0x0a, 5]),
  Buffer.from('field'),
  Buffer.from([0x12, 1]),
  Buffer.from('r'),
]);

test('the field of an error survives the wire', () => {
  const details = encodeBadRequest(3, 'sessions[1].user_id must not be empty', 'sessions[1].user_id');
  expect(decodeBadRequest(details)).toBe('sessions[1].user_id');
});

test('the encoding is that of google.rpc', () => {
  expect(decodeBadRequest(BY_HAND)).toBe('field');
  expect(encodeBadRequest(3, 'r', 'field').subarray(5)).toEqual(BY_HAND.subarray(13));
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['no protobuf', Buffer.from('nonsense')],
  ['a status without details', Buffer.from([0x08, 3])],
  ['details of another type', Buffer.from([0x1a, 7, 0x0a, 5, ...Buffer.from('a.b/C')])],
  ['a cut message', encodeBadRequest(3, 'must not be empty', 'user_id').subarray(0, 60)],
])('%s names no field', (_, bytes) => {
  expect(decodeBadRequest(bytes)).toBeUndefined();
});
