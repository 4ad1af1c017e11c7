import { Flags } from '@oclif/core';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { originOf } from '../../daemon/http/origin.js';
import type { HttpOptions } from '../../daemon/http/server.js';
import { TrustedProxies } from '../../daemon/http/trustedProxies.js';
import { textFlag } from './flags.js';

const http = { helpGroup: 'HTTP' };

/** Flags of `serve`: what it serves by HTTP, and where. */
export const httpFlags = {
  'http-port': Flags.integer({
    description:
      'serve the web console, its API, /metrics, /healthz and /readyz by HTTP on this port; 0 picks a free one and prints it',
    env: 'IMSTATE_HTTP_PORT',
    min: 0,
    max: 65_535,
    helpValue: 'PORT',
    ...http,
  }),
  'http-addr': textFlag({
    description: 'address to serve HTTP on',
    env: 'IMSTATE_HTTP_ADDR',
    default: '127.0.0.1',
    helpValue: 'ADDRESS',
    ...http,
  }),
  'http-origin': textFlag({
    description:
      'origins at which reverse proxies serve the console over plain HTTP, such as http://presence.example',
    env: 'IMSTATE_HTTP_ORIGIN',
    helpValue: 'URL,…',
    ...http,
  }),
  'http-trusted-proxy': textFlag({
    description: 'IP addresses and CIDRs of the reverse proxies whose X-Forwarded-* headers count',
    env: 'IMSTATE_HTTP_TRUSTED_PROXY',
    helpValue: 'IP|CIDR,…',
    ...http,
  }),
};

/** What is served by HTTP; undefined if nothing is. */
export function httpOptions(flags: {
  'http-port': number | undefined;
  'http-addr': string;
  'http-origin': string | undefined;
  'http-trusted-proxy': string | undefined;
}): HttpOptions | undefined {
  const { 'http-port': port, 'http-addr': addr } = flags;
  const origins = listOf(flags['http-origin']).map(checkedOrigin);
  const trustedProxies = listOf(flags['http-trusted-proxy']);
  try {
    new TrustedProxies(trustedProxies);
  } catch (error) {
    throw new ImstateError('WRONG_USAGE', `--http-trusted-proxy: ${messageOf(error)}`);
  }
  return port === undefined ? undefined : { addr, port, origins, trustedProxies };
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function checkedOrigin(text: string): string {
  // A wildcard would be a host name to URL.
  const origin = text.includes('*') ? undefined : originOf(text);
  if (origin !== undefined && [origin, `${origin}/`].includes(new URL(text).href)) return origin;
  const message = `--http-origin must be origins such as http://presence.example:8000, and "${text}" is none`;
  throw new ImstateError('WRONG_USAGE', message);
}
