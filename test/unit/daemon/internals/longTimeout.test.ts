import { expect, test } from 'vitest';
import { capLongTimeouts, capTimeout } from '../../../../src/daemon/internals/longTimeout.ts';

test('the method of grpc-js that reads the timeout is there to be patched, also twice', () => {
  expect(capLongTimeouts()).toBe(true);
  expect(capLongTimeouts()).toBe(true);
});

test.each([
  ['596H', '596H'],
  ['597H', '2147483S'],
  ['35791M', '35791M'],
  ['35792M', '2147483S'],
  ['2147483S', '2147483S'],
  ['2147484S', '2147483S'],
  ['99999999H', '2147483S'],
  ['99999999m', '99999999m'],
  ['1n', '1n'],
  ['x', 'x'],
  ['', ''],
])('a timeout of %j is read as %j', (header, read) => {
  expect(capTimeout(header)).toBe(read);
});
