import type { Server } from 'node:net';
import { formatHostPort, type HostPort } from 'imstate-client/internal/shared/address';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';

/** The flags that set where a server listens. */
export interface ListenFlags {
  addr: string;
  port: string;
}

/**
 * Resolves with the port once the server listens. Rejects with ADDRESS_UNAVAILABLE, which names the flags.
 */
export async function listenAt(server: Server, address: HostPort, flags: ListenFlags): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const message = whyNotListening(formatHostPort(address), messageOf(error), flags);
    const field = (error as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL' ? flags.addr : flags.port;
    throw new ImstateError('ADDRESS_UNAVAILABLE', message, { cause: error, field });
  }
  return (server.address() as { port: number }).port;
}

function whyNotListening(address: string, reason: string, { addr, port }: ListenFlags): string {
  if (reason.includes('EADDRINUSE')) {
    return `${address} is in use by another program: stop it, or choose another ${port} (0 picks a free one)`;
  }
  if (reason.includes('EADDRNOTAVAIL')) {
    return `${address} is no address of this machine: give ${addr} one that it has, such as 127.0.0.1 or 0.0.0.0`;
  }
  if (reason.includes('EACCES'))
    return `${address} needs more rights than this user has: choose a ${port} above 1023`;
  return `cannot listen on ${address}: ${reason}; check ${addr} and ${port}`;
}
