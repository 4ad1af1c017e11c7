import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Where connections are refused; another test may take a port that is free now. */
export const NOBODY = '127.0.0.1:1';

/** What freePort() returns first: ports that the test of it has taken. */
export const forcedPorts: number[] = [];

/** A port that nothing listens on now. Another process may take it before you do. */
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

/** Whether this very process listens on the port, and not another one. */
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
