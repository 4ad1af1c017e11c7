import { expect, test } from 'vitest';
import { type ApplyReply, readReplies } from '../../../../src/store/redis/apply.ts';
import type { Command } from '../../../../src/store/redis/command.ts';
import type { Texts } from '../../../../src/store/redis/replies.ts';

/** Returns the text of its reply, or the number. */
function command(userId: string, isChange = false): Command<string> {
  return {
    userId,
    text: userId,
    isChange,
    readReply: (reply) => (typeof reply === 'number' ? String(reply) : (reply as Texts).next(0)),
    merge: (before, part) => before + part,
  };
}

function reply(strings: string[], cursor: string, ...replies: unknown[]): ApplyReply {
  const packed = strings.map((text) => `${String.fromCharCode(text.length)}${text}`).join('');
  return [0, [], Buffer.from(packed), Buffer.from(cursor), ...replies];
}

const commands = ['a', 'b', 'c'].map((userId) => command(userId));

test('a negative number stands for a string of that length', () => {
  const { answers, rest } = readReplies(commands, reply(['one', 'two'], '', -1 - 4, 7, -1 - 4), 0);
  expect(answers).toEqual(['one', '7', 'two']);
  expect(rest).toEqual([]);
});

test('commands that were not reached are left for the next call', () => {
  expect(readReplies(commands, reply([], '', 1), 0)).toEqual({ answers: ['1'], rest: commands.slice(1) });
});

test('with a cursor the last reply is a part, which the next call continues', () => {
  const { answers, rest } = readReplies(commands, reply(['one'], '17', 1, -1 - 4), 0);
  expect(answers).toEqual(['1']);
  expect(rest.map(({ text }) => text)).toEqual(['>17\x1fb', 'c']);
  const last = readReplies(rest, reply(['two'], '', -1 - 4, 3), 0);
  expect(last).toEqual({ answers: ['onetwo', '3'], rest: [] });
});

test('a failed command does not affect the others', () => {
  const { answers } = readReplies(commands, reply(['two'], '', 1, new Error('WRONGTYPE'), -1 - 4), 0);
  expect(answers).toEqual(['1', expect.objectContaining({ code: 'STORE_UNAVAILABLE' }), 'two']);
});

test('of a change in parts, a failure says that a part was applied', () => {
  const { rest } = readReplies([command('a', true)], reply(['one'], '17', -1 - 4), 0);
  const [failure] = readReplies(rest, reply([], '', new Error('OOM')), 0).answers;
  expect((failure as Error).message).toMatch(/the change was applied in part$/);
});

test('a change that too few replicas have is answered by the reason, and reads are not', () => {
  const notReplicated = new Error('only 0 of 1 replicas had it');
  const both = [command('a', true), command('b')];
  expect(readReplies(both, reply(['one', 'two'], '', -1 - 4, -1 - 4), 0, notReplicated).answers).toEqual([
    notReplicated,
    'two',
  ]);
});
