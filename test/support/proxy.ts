import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a server, to cut connections and to hold data back. */
export interface TcpProxy {
  port: number;
  /** Drops all connections, and refuses new ones until heal(). */
  cut(): void;
  /** Keeps connections open and passes nothing on until heal(). */
  pause(): void;
  heal(): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'paused' = 'open';
  const sockets = new Set<Socket>();
  const server = createServer((inbound) => {
    if (state === 'cut') return void inbound.destroy();
    const outbound = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (state === 'paused') from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    cut() {
      state = 'cut';
      for (const socket of sockets) socket.destroy();
    },
    pause() {
      state = 'paused';
      for (const socket of sockets) socket.pause();
    },
    heal() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
