// Unary calls, as many as a server takes. By h2load where it is found: a client in Node.js is slower than the daemon, and would
// be what is measured.
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RawClient } from './rawClient.ts';

const CONNECTIONS = 2;

/** What to call, and by how many senders: each sends a request of its own again and again. */
export interface UnaryLoad {
  addr: string;
  /** /package.Service/Method */
  path: string;
  /** Serialized, one a sender. */
  requests: Buffer[];
  /** How many calls altogether. */
  calls: number;
  /** Calls of a sender that may wait for their answers; 32 by default. */
  atOnce?: number;
  /** For files. */
  folder: string;
}

/** A sender's part of it. */
interface Sending {
  addr: string;
  path: string;
  calls: number;
  atOnce: number;
}

let found: boolean | undefined;

/** Whether there is an h2load. */
export function hasH2load(): boolean {
  found ??= spawnSync('h2load', ['--version'], { stdio: 'ignore' }).status === 0;
  return found;
}

/** Sends the calls; rejects if one does not come back. What gRPC says in it is for others to verify. */
export async function sendUnary(load: UnaryLoad): Promise<void> {
  const { addr, path, requests, calls, atOnce = 32, folder } = load;
  const each = { addr, path, calls: Math.ceil(calls / requests.length), atOnce };
  if (!hasH2load()) {
    await Promise.all(requests.map((request) => callAgain(each, request)));
    return;
  }
  const bodies = await Promise.all(
    requests.map(async (request, i) => {
      const file = join(folder, `${path.replaceAll('/', '.')}-${i}`);
      await writeFile(file, framed(request));
      return file;
    }),
  );
  await Promise.all(bodies.map((body) => h2load(each, body)));
}

async function h2load({ addr, path, calls, atOnce }: Sending, body: string): Promise<void> {
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const counts = ['-n', `${calls}`, '-c', `${CONNECTIONS}`, '-m', `${Math.ceil(atOnce / CONNECTIONS)}`];
  const flags = [...counts, '-d', body, ...headers];
  const { stdout } = await promisify(execFile)('h2load', [...flags, `http://${addr}${path}`]);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (succeeded !== calls) throw new Error(`only ${succeeded} of ${calls} calls succeeded:\n${stdout}`);
}

async function callAgain({ addr, path, calls, atOnce }: Sending, request: Buffer): Promise<void> {
  const client = new RawClient(addr);
  let left = calls;
  const call = async () => {
    while (left-- > 0) await client.call(path, request);
  };
  await Promise.all(Array.from({ length: atOnce }, call));
  client.close();
}

/** A message as gRPC puts it into a body: not compressed, with its length. */
export function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
