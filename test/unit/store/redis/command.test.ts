import { describe, expect, test } from 'vitest';
import { ReadBudget } from '../../../../src/store/reads.ts';
import { commandOf } from '../../../../src/store/redis/apply.ts';
import { continueFrom } from '../../../../src/store/redis/command.ts';
import { evictCommand } from '../../../../src/store/redis/evict.ts';
import { readUserAtCommand } from '../../../../src/store/redis/read.ts';
import { context, pack, textsOf } from './pack.ts';

const session = { userId: 'alice', deviceId: 'phone', sessionId: 's1' };
const FORM = { maxDevices: 9, featureLevel: 2 };
const budget = new ReadBudget();

function textOf(operation: Parameters<typeof commandOf>[0]): string {
  return commandOf(operation, FORM, budget).text.replaceAll('\x1f', '|');
}

test('each operation has its letter and its arguments', () => {
  expect(textOf({ type: 'offline', request: { ...session, graceMs: 500 } })).toBe('-alice|phone|s1|500|');
  const anySession = { ...session, sessionId: undefined, graceMs: 0 };
  expect(textOf({ type: 'offline', request: anySession })).toBe('-alice|phone||0|');
  expect(textOf({ type: 'heartbeat', request: session })).toBe('halice|phone|s1|');
  expect(textOf({ type: 'getDevice', request: session })).toBe('dalice|phone|');
  expect(textOf({ type: 'getUser', request: session })).toBe('ualice');
  expect(textOf({ type: 'getUser', request: { ...session, includeLastSeen: true } })).toBe('salice');
  expect(evictCommand(session, 'stolen').text).toBe('ealice\x1fphone\x1fs1\x1fstolen\x1f');
  expect(readUserAtCommand('alice').text).toBe('aalice');
});

test('reads are no changes', () => {
  const isChange = (['getDevice', 'getUser'] as const).map(
    (type) => commandOf({ type, request: session }, FORM, budget).isChange,
  );
  expect(isChange).toEqual([false, false]);
});

test('a command that is continued begins with its cursor, and merges its parts', () => {
  const command = continueFrom(readUserAtCommand('alice'), '17', { sessions: [], position: [1, 2] });
  expect(command.text).toBe('>17\x1faalice');
  const reply = textsOf(pack(['3-4', 'length']));
  expect(command.readReply(reply, context)).toEqual({ sessions: [], position: [1, 2] });
  expect(continueFrom(command, '18', { sessions: [], position: [1, 2] }).text).toBe('>18\x1faalice');
});

describe('a heartbeat', () => {
  const { readReply } = commandOf({ type: 'heartbeat', request: session }, FORM, budget);

  test.each([
    ['of the current session', 0, undefined],
    ['of an ended session', 3, { reason: 'EXPIRED', reasonText: '' }],
    [
      'of an evicted session',
      textsOf(Buffer.from('\x05stolen')),
      { reason: 'EVICTED', reasonText: 'stolen' },
    ],
    ['of an unknown session', textsOf(Buffer.alloc(0)), { reason: undefined, reasonText: '' }],
  ])('%s', (_, reply, ended) => {
    expect(readReply(reply, context)).toEqual(ended);
  });
});

test('a user is not read once the budget of the request is used up', () => {
  const exhausted = new ReadBudget();
  const command = commandOf({ type: 'getUser', request: session }, FORM, exhausted);
  expect(() => exhausted.spend(1, 32 * 1024 * 1024)).not.toThrow();
  expect(command.text).toBe('n');
  expect(() => command.readReply(0, context)).toThrow('too many devices');
});
