import { expect, test } from 'vitest';
import { capLongTimeouts, capTimeout } from '../../../../src/daemon/internals/grpcLongTimeout.ts';

/** A module like that of grpc-js; `read` has the headers that it read. */
function moduleWith() {
  const read: string[] = [];
  class BaseServerInterceptingCall {
    handleTimeoutHeader(header: string) {
      read.push(header);
    }
  }
  return { read, call: new BaseServerInterceptingCall(), load: () => ({ BaseServerInterceptingCall }) };
}

test('the installed version of grpc-js is patched, once', () => {
  expect(capLongTimeouts()).toBe(true);
  expect(capLongTimeouts()).toBe(true);
});

test('a patched class reads long timeouts as the longest one', () => {
  const { call, read, load } = moduleWith();
  expect([capLongTimeouts(load), capLongTimeouts(load)]).toEqual([true, true]);
  call.handleTimeoutHeader('99999999H');
  call.handleTimeoutHeader('5S');
  expect(read).toEqual(['2147483S', '5S']);
});

test.each([
  ['has no such class', () => ({})],
  ['has no such method', () => ({ BaseServerInterceptingCall: class {} })],
  [
    'has no such module',
    () => {
      throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
    },
  ],
])('a version of grpc-js that %s is left as it is', (_, load) => {
  expect(capLongTimeouts(load)).toBe(false);
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
