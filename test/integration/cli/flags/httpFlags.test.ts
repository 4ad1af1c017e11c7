import { expect, test } from 'vitest';
import { httpOptions } from '../../../../src/cli/flags/httpFlags.ts';
import { runImstate } from '../../../support/imstate.ts';

const parse = (origin?: string, proxy?: string) =>
  httpOptions({
    'http-port': 9090,
    'http-addr': '127.0.0.1',
    'http-origin': origin,
    'http-trusted-proxy': proxy,
  });

test('accepts lists of origins and proxies', () => {
  expect(parse('http://presence.example:8000/, https://other.example', '10.0.0.1,fd00::/8')).toMatchObject({
    origins: ['http://presence.example:8000', 'https://other.example'],
    trustedProxies: ['10.0.0.1', 'fd00::/8'],
  });
  expect(parse()).toMatchObject({ origins: [], trustedProxies: [] });
});

test('normalizes origins as browsers do', () => {
  expect(parse('HTTP://Presence.example:80,https://[::1]:443')).toMatchObject({
    origins: ['http://presence.example', 'https://[::1]'],
  });
});

test.each([
  '*',
  'null',
  'presence.example',
  'ftp://presence.example',
  'http://presence.example/console',
  'http://presence.example?a',
  'http://me@presence.example',
  'http://*.example',
])('rejects "%s" as an origin', (origin) => {
  expect(() => parse(origin)).toThrow(/--http-origin must be origins such as/);
});

test('serve rejects an invalid origin or proxy, and names its source', async () => {
  const serve = ['serve', '--port', '0', '--http-port', '0'];
  const origin = await runImstate(serve, { IMSTATE_HTTP_ORIGIN: 'presence.example' });
  expect(origin).toMatchObject({ exitCode: 2, stdout: '' });
  expect(origin.stderr.replace(/\s+/g, ' ')).toContain('--http-origin is set by IMSTATE_HTTP_ORIGIN');
  const proxy = await runImstate([...serve, '--http-trusted-proxy', '10.0.0.0/8,nginx']);
  expect(proxy).toMatchObject({ exitCode: 2, stdout: '' });
  expect(proxy.stderr).toContain('--http-trusted-proxy: "nginx" is neither an IP address nor a CIDR');
});
