import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a server, to cut connections and to hold data back. */
export interface TcpProxy {
  port: number;
  /** Drops all connections, and refuses new ones until heal(). */
  cut(): void;
  /** Keeps connections open and passes nothing on until heal(). */
  pause(): void;
  /** Passes requests on, and holds back what the server answers until heal(). */
  holdAnswers(): void;
  heal(): void;
  /** Drops all connections; new ones go to this port. */
  redirect(port: number): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'paused' | 'held' = 'open';
  let target = targetPort;
  const sockets = new Set<Socket>();
  const outbounds = new WeakSet<Socket>();
  const server = createServer((inbound) => {
    if (state === 'cut') return void inbound.destroy();
    const outbound = connect(target, '127.0.0.1');
    outbounds.add(outbound);
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
      if (state === 'paused' || (state === 'held' && from === outbound)) from.pause();
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
    holdAnswers() {
      state = 'held';
      for (const socket of sockets) if (outbounds.has(socket)) socket.pause();
    },
    redirect(port) {
      target = port;
      for (const socket of sockets) socket.destroy();
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
