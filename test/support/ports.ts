import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

/** A port that refuses connections. Another test could take a port that is free now. */
export const NOBODY = '127.0.0.1:1';

/** Ports that freePort() returns first, for its own test. */
export const forcedPorts: number[] = [];

/** A port on which nothing listens now. Another process may take it first. */
export async function freePort(): Promise<number> {
  const forced = forcedPorts.shift();
  if (forced !== undefined) return forced;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/** Whether this process listens on the port, rather than another one. */
export async function holdsPort(pid: number, port: number): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const fds = await readdir(folder).catch(() => []);
  const links = await Promise.all(fds.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  const sockets = (await readFile('/proc/net/tcp', 'utf8'))
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return sockets.some(
    ([, local = '', , state, , , , , , inode]) =>
      local.endsWith(`:${hex}`) && state === LISTENING && links.includes(`socket:[${inode}]`),
  );
}
