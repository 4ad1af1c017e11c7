import { Flags } from '@oclif/core';
import type { HttpOptions } from '../daemon/http/server.js';
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
};

/** What is served by HTTP; undefined if nothing is. */
export function httpOptions(flags: {
  'http-port': number | undefined;
  'http-addr': string;
}): HttpOptions | undefined {
  const { 'http-port': port, 'http-addr': addr } = flags;
  return port === undefined ? undefined : { addr, port };
}
