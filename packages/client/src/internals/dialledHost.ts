import type { Socket } from 'node:net';

/**
 * Patch of Node.js: reads the host name that a socket was connected to. Where the resolver of a channel could
 * not resolve a name, grpc-js leaves that to the connection, and the certificate has to be for the name.
 *
 * - Upstream: https://github.com/nodejs/node-v0.x-archive/pull/6428 added the field for the same purpose in
 *   `tls.connect()`; no issue asks for a public one.
 * - Tested with Node.js 20.20, 22.23 and 24.22.
 * - Relies on: `_host` of a Socket.
 * - Fallback: the certificate is checked for the IP address, so that a connection by name fails.
 *
 * Returns undefined if the socket was connected by address, or Node.js hides the name.
 */
export function dialledHost(socket: Socket): string | undefined {
  const host: unknown = Reflect.get(socket, '_host');
  return typeof host === 'string' ? host : undefined;
}
