import { once } from 'node:events';
import { connect } from 'node:net';
import type { BrokerUrl } from './targetUrl.js';

/**
 * Resolves once the server greets, as every NATS server does; rejects if it cannot be reached or stays silent. To call
 * before connecting: @nats-io/transport-node 3.4.0 never closes the socket of an attempt that timed out before the
 * greeting, and each delivery to a frozen server would leave one.
 */
export async function awaitGreeting({ host, port }: BrokerUrl, timeoutMs: number): Promise<void> {
  const socket = connect({ host, port });
  // The timer goes with the socket, and also limits connecting.
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no greeting within ${timeoutMs} ms`)));
  const closed = once(socket, 'close').then(() => {
    throw new Error('closed by the server');
  });
  try {
    await Promise.race([once(socket, 'data'), closed]);
  } finally {
    socket.destroy();
  }
}
