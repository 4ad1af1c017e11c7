import { expect, test } from 'vitest';
import { capLongTimeouts, capTimeout } from '../../../../src/daemon/internals/grpcLongTimeout.ts';

/** A module like that of grpc-js; `read` collects the headers that it reads. */
function moduleWith() {
  const read: string[] = [];
  class BaseServerInterceptingCall {
    handleTimeoutHeader(header: string) {
      read.push(header);
    }
  }
  return { read, call: new BaseServerInterceptingCall(), load: () => ({ BaseServerInterceptingCall }) };
}

test('patches the installed version of grpc-js once', () => {
  expect(capLongTimeouts()).toBe(true);
  expect(capLongTimeouts()).toBe(true);
});

test('limits long timeouts to the longest supported one', () => {
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
])('does not patch a version of grpc-js that %s', (_, load) => {
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
])('reads a timeout of %j as %j', (header, read) => {
  expect(capTimeout(header)).toBe(read);
});
