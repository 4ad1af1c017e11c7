import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { expect, test } from 'vitest';
import { privateRange, publicLookup } from '../../../src/relay/targets/privateAddresses.ts';

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '168.63.129.15',
  '2606:4700:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
];

const PRIVATE: [address: string, range: string][] = [
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['169.254.1.1', 'link-local'],
  ['169.254.169.254', 'link-local'],
  ['100.64.0.1', 'carrier-grade-nat'],
  ['100.100.100.200', 'carrier-grade-nat'],
  ['168.63.129.16', 'cloud metadata'],
  ['192.0.0.192', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['198.51.100.1', 'reserved'],
  ['203.0.113.1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::127.0.0.1', 'not global unicast'],
  ['::8.8.8.8', 'not global unicast'],
  ['::808:808', 'not global unicast'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['fec0::1', 'deprecated-site-local'],
  ['fc00::1', 'unique-local'],
  ['fd00:ec2::254', 'unique-local'],
  ['ff02::1', 'multicast'],
  ['100::1', 'discard'],
  ['2001:db8::1', 'reserved'],
  ['4000::1', 'not global unicast'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'link-local'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:0:127.0.0.1', 'rfc6145'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b:1::1', 'rfc6052'],
  ['2002:7f00:1::', '6to4'],
  ['2002:808:808::', '6to4'],
  ['2001::1', 'teredo'],
  ['localhost', 'not an IP address'],
  ['', 'not an IP address'],
];

test.each(PUBLIC)('accepts the public address %s', (address) => {
  expect(privateRange(address)).toBeUndefined();
});

test.each(PRIVATE)('finds that %j is not public: %s', (address, range) => {
  expect(privateRange(address)).toBe(range);
});

test('looks up a name whose addresses are all public', async () => {
  const found = [v4('8.8.8.8'), v6('2606:4700:4700::1111')];
  expect(await lookUp(found, { all: true })).toEqual(found);
  expect(await lookUp(found, { all: false })).toEqual(['8.8.8.8', 4]);
  expect(await lookUp(found, {})).toEqual(['8.8.8.8', 4]);
});

test('refuses a name if any of its addresses is not public, and says how to allow it', async () => {
  await expect(lookUp([v4('8.8.8.8'), v6('::1')], { all: true })).rejects.toThrow(
    /rebind\.example to ::1, .*loopback.*--allow-private/,
  );
  await expect(lookUp([v4('8.8.8.8'), v4('10.0.0.1')], {})).rejects.toThrow(/10\.0\.0\.1/);
});

test('passes on that a name cannot be resolved', async () => {
  const error = new Error('getaddrinfo ENOTFOUND');
  const failing: LookupFunction = (_hostname, _options, callback) => callback(error, []);
  await expect(resolved(failing, { all: true })).rejects.toBe(error);
  await expect(lookUp([], {})).rejects.toThrow(/no address/);
});

function lookUp(found: LookupAddress[], options: { all?: boolean }): Promise<unknown> {
  return resolved((_hostname, _options, callback) => callback(null, found), options);
}

function resolved(lookup: LookupFunction, options: { all?: boolean }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    publicLookup(lookup)('rebind.example', options, (error, address, family) => {
      if (error) reject(error);
      else resolve(family === undefined ? address : [address, family]);
    });
  });
}

function v4(address: string): LookupAddress {
  return { address, family: 4 };
}

function v6(address: string): LookupAddress {
  return { address, family: 6 };
}
