// Sends unary calls at the maximum rate of a server. Uses h2load if it is installed: a client in Node.js is
// slower than the daemon and would limit the rate.
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RawClient } from './rawClient.ts';

const CONNECTIONS = 2;

/** The calls to send. Each request has a sender of its own, which repeats it. */
export interface UnaryLoad {
  addr: string;
  /** /package.Service/Method */
  path: string;
  /** Encoded requests, one per sender. */
  requests: Buffer[];
  /** Total number of calls. */
  calls: number;
  /** Calls in flight per sender; 32 by default. */
  concurrency?: number;
  /** A directory for temporary files. */
  directory: string;
}

/** The calls of one sender. */
interface Sending {
  addr: string;
  path: string;
  calls: number;
  concurrency: number;
}

let found: boolean | undefined;

/** Whether h2load is installed. */
export function hasH2load(): boolean {
  found ??= spawnSync('h2load', ['--version'], { stdio: 'ignore' }).status === 0;
  return found;
}

/**
 * Sends the calls, and rejects if one has no response. It does not check the gRPC status of the responses.
 */
export async function sendUnary(load: UnaryLoad): Promise<void> {
  const { addr, path, requests, calls, concurrency = 32, directory } = load;
  const each = { addr, path, calls: Math.ceil(calls / requests.length), concurrency };
  if (!hasH2load()) {
    await Promise.all(requests.map((request) => repeatCall(each, request)));
    return;
  }
  const bodies = await Promise.all(
    requests.map(async (request, i) => {
      const file = join(directory, `${path.replaceAll('/', '.')}-${i}`);
      await writeFile(file, framed(request));
      return file;
    }),
  );
  await Promise.all(bodies.map((body) => h2load(each, body)));
}

async function h2load({ addr, path, calls, concurrency }: Sending, body: string): Promise<void> {
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const counts = ['-n', `${calls}`, '-c', `${CONNECTIONS}`, '-m', `${Math.ceil(concurrency / CONNECTIONS)}`];
  const flags = [...counts, '-d', body, ...headers];
  const { stdout } = await promisify(execFile)('h2load', [...flags, `http://${addr}${path}`]);
  const succeeded = Number(/(\d+) succeeded/.exec(stdout)?.[1]);
  if (succeeded !== calls) throw new Error(`only ${succeeded} of ${calls} calls succeeded:\n${stdout}`);
}

async function repeatCall({ addr, path, calls, concurrency }: Sending, request: Buffer): Promise<void> {
  const client = new RawClient(addr);
  let left = calls;
  const call = async () => {
    while (left-- > 0) await client.call(path, request);
  };
  await Promise.all(Array.from({ length: concurrency }, call));
  client.close();
}

/** A message in the framing of gRPC: uncompressed, with its length. */
export function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
