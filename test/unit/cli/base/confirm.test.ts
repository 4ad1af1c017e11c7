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
])('%j is %s', async (typed, answer) => {
  const { input, output } = terminal();
  const asked = confirm('End 3 sessions?', { input, output });
  input.write(typed);
  expect(await asked).toBe(answer);
  expect(String(output.read())).toContain('End 3 sessions? [y/N] ');
});

test('an input that ends is a no', async () => {
  const { input, output } = terminal();
  const asked = confirm('End 3 sessions?', { input, output });
  input.end();
  expect(await asked).toBe(false);
});

test('where nobody can be asked, --yes is named', () => {
  expect(() => checkTerminal(terminal())).toThrow('confirm with --yes');
});
