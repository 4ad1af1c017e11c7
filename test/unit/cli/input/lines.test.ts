import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { linesOf } from '../../../../src/cli/input/lines.ts';

async function read(...chunks: (string | Buffer)[]) {
  const lines = [];
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  for await (const line of linesOf(input, new AbortController().signal)) lines.push(line);
  return lines;
}

test('numbers lines across chunks, including a last line without a newline', async () => {
  expect(await read('a\nb', 'c\n\nd')).toEqual([
    { number: 1, text: 'a' },
    { number: 2, text: 'bc' },
    { number: 3, text: '' },
    { number: 4, text: 'd' },
  ]);
});

test('joins a character that is split between chunks, and does not end a line at U+2028', async () => {
  const bytes = Buffer.from('ü\u2028ü');
  const lines = await read(bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3));
  expect(lines).toEqual([{ number: 1, text: 'ü\u2028ü' }]);
});

test('reports each line that is not UTF-8 or is too long', async () => {
  const lines = await read(
    Buffer.from([0xff, 0x0a]),
    'x'.repeat(1024 * 1024),
    'x\n',
    'x'.repeat(1024 * 1024),
    '\nb',
  );
  expect(lines.map(({ number, fault }) => [number, fault])).toEqual([
    [1, 'a line must be UTF-8'],
    [2, 'a line must be at most 1048576 bytes long'],
    [3, undefined],
    [4, undefined],
  ]);
});

test('yields no line after the stop, even if the input continues', async () => {
  const stop = new AbortController();
  const input = new Readable({ read() {} });
  input.push('a\n');
  const lines = linesOf(input, stop.signal);
  expect(await lines.next()).toMatchObject({ value: { text: 'a' } });
  const next = lines.next();
  stop.abort();
  expect(await next).toMatchObject({ done: true });
  expect(input.destroyed).toBe(true);
});
