import { FRAME, http2Frame, rawHttp2 } from './rawHttp2.ts';
import { undo } from './undo.ts';

/** Drives a daemon to a limit; resolves once the daemon holds what it was given. */
type Holder = (addr: string) => Promise<void>;

const PING = http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8));
const PONG_FLAG = 1;

/** A connection until the end of the test. */
async function hold(addr: string, ...frames: Buffer[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const connection = rawHttp2(addr, ({ type, flags }) => {
      if (type === FRAME.ping && flags === PONG_FLAG) resolve();
    });
    undo.push(() => connection.socket.destroy());
    void connection.closed.then(() => reject(new Error('the daemon has closed the connection')));
    // The daemon answers it after it has read what came before.
    void connection.send(...frames, PING);
  });
}

async function holdConnections(addr: string): Promise<void> {
  // One is the client's.
  for (let i = 0; i < 9_999; i += 500)
    await Promise.all(Array.from({ length: Math.min(500, 9_999 - i) }, () => hold(addr)));
}

/** How each row of the table in docs/limits.md is driven to its limit, by what is held. */
export const HOLDERS: Record<string, Holder> = {
  'connections that do nothing': holdConnections,
};
