import { expect, test } from 'vitest';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';

class Special extends ImstateError {}

test('recognises errors of another copy of the class', () => {
  const other = Object.assign(new Error('x'), { name: 'ImstateError', code: 'UNAVAILABLE' });
  expect(other instanceof ImstateError).toBe(true);
  expect(new Error('x') instanceof ImstateError).toBe(false);
});

test('tells subclasses apart', () => {
  expect(new Special('UNAVAILABLE', 'x') instanceof ImstateError).toBe(true);
  expect(new Special('UNAVAILABLE', 'x') instanceof Special).toBe(true);
  expect(new ImstateError('UNAVAILABLE', 'x') instanceof Special).toBe(false);
});
