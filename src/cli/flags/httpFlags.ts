import { Flags } from '@oclif/core';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { DAEMON_DEFAULTS } from '../../daemon/defaults.js';
import { originOf } from '../../daemon/http/origin.js';
import type { HttpOptions } from '../../daemon/http/server.js';
import { TrustedProxies } from '../../daemon/http/trustedProxies.js';
import { textFlag, underHeading } from './flagTypes.js';

/** Flags of `serve`: what it serves over HTTP, and where. */
export const httpFlags = underHeading('HTTP', {
  'http-port': Flags.integer({
    description: 'port of console, API and metrics; 0 for any',
    env: 'IMSTATE_HTTP_PORT',
    min: 0,
    max: 65_535,
    helpValue: 'PORT',
  }),
  'http-addr': textFlag({
    description: 'address to serve HTTP on',
    env: 'IMSTATE_HTTP_ADDR',
    default: DAEMON_DEFAULTS.httpAddr,
    helpValue: 'ADDRESS',
  }),
  'http-origin': textFlag({
    description: 'origins of reverse proxies on plain HTTP',
    env: 'IMSTATE_HTTP_ORIGIN',
    helpValue: 'URL,…',
  }),
  'http-trusted-proxy': textFlag({
    description: 'proxies whose X-Forwarded-* headers count',
    env: 'IMSTATE_HTTP_TRUSTED_PROXY',
    helpValue: 'CIDR,…',
  }),
});

/** What is served over HTTP; undefined without --http-port. */
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
    const field = '--http-trusted-proxy';
    throw new ImstateError('WRONG_USAGE', `${field}: ${messageOf(error)}`, { field });
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
  // URL takes a wildcard for a host name.
  const origin = text.includes('*') ? undefined : originOf(text);
  if (origin !== undefined && [origin, `${origin}/`].includes(new URL(text).href)) return origin;
  const message = `--http-origin must be origins such as http://presence.example:8000; "${text}" is not`;
  throw new ImstateError('WRONG_USAGE', message, { field: '--http-origin' });
}
