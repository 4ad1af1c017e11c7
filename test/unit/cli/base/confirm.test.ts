import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { checkTerminal, confirm } from '../../../../src/cli/base/confirm.ts';

function terminal() {
  return { input: new PassThrough(), output: new PassThrough() };
}

test.each([
  ['y\n', true],
  ['Yes\n', true],
  ['n\n', false],
  ['\n', false],
  ['sure\n', false],
])('reads %j as %s', async (typed, answer) => {
  const { input, output } = terminal();
  const confirmed = confirm('End 3 sessions?', { input, output });
  input.write(typed);
  expect(await confirmed).toBe(answer);
  expect(String(output.read())).toContain('End 3 sessions? [y/N] ');
});

test('reads the end of the input as no', async () => {
  const { input, output } = terminal();
  const confirmed = confirm('End 3 sessions?', { input, output });
  input.end();
  expect(await confirmed).toBe(false);
});

test('suggests --yes if the input is not a terminal', () => {
  expect(() => checkTerminal(terminal())).toThrow('add --yes');
});
