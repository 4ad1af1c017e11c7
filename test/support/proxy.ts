import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of a server, which can cut connections and hold data back. */
export interface TcpProxy {
  port: number;
  /** Drops all connections, and rejects new ones until heal(). */
  cut(): void;
  /** Keeps connections open, and forwards nothing until heal(). */
  pause(): void;
  /** Forwards requests, and holds responses back until heal(). */
  holdAnswers(): void;
  /** Delays both directions from now on. */
  slow(ms: number): void;
  heal(): void;
  /** New connections go to this port; open connections stay. */
  lead(port: number): void;
  /** Drops all connections; new ones go to this port. */
  redirect(port: number): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let state: 'open' | 'cut' | 'paused' | 'held' = 'open';
  let target = targetPort;
  let lagMs = 0;
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
      const late: Buffer[] = [];
      from.on('data', (chunk) => {
        if (lagMs === 0 && late.length === 0) return void to.write(chunk);
        late.push(chunk);
        // Each timer writes the oldest chunk, which keeps the order.
        setTimeout(() => to.write(late.shift() as Buffer), lagMs);
      });
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
    lead(port) {
      target = port;
    },
    redirect(port) {
      target = port;
      for (const socket of sockets) socket.destroy();
    },
    slow(ms) {
      lagMs = ms;
    },
    heal() {
      state = 'open';
      lagMs = 0;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
