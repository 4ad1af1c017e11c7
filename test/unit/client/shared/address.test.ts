import { expect, test } from 'vitest';
import { isLoopback, withBrackets } from '../../../../packages/client/src/shared/address.ts';

test.each([
  ...['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::FFFF:7f00:1'],
  'localhost',
])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  ...['127.evil.example', '127.0.0.1.evil.example', '::ffff:127.evil.example', 'localhost.evil.example'],
  ...['localhost.', 'LOCALHOST', 'evil.localhost', '127.1', '127', '0x7f.1', '0x7f000001', '2130706433'],
  ...['0177.0.0.1', '127.000.000.001', '127.0.0.1.', ' 127.0.0.1', '127.0.0.1%lo', '::1%lo', '[::1]'],
  ...['128.0.0.1', '10.0.0.1', '0.0.0.0', '::', '::ffff:10.0.0.1', '::127.0.0.1', 'fe80::1%lo', ''],
])('%j is not known to be this machine', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test.each([
  ['::1:48091', '[::1]:48091'],
  ['2001:db8::1:8080', '[2001:db8::1]:8080'],
  ['fe80::1%eth0:8080', '[fe80::1%eth0]:8080'],
  ['::ffff:10.0.0.1:8080', '[::ffff:10.0.0.1]:8080'],
  ...['[::1]:48091', '127.0.0.1:8080', 'host:8080', '::1', '2001:db8::1', 'a:b:c', ':8080', ''].map(
    (addr) => [addr, addr],
  ),
])('%j is dialled as %j', (addr, expected) => {
  expect(withBrackets(addr as string)).toBe(expected);
});
