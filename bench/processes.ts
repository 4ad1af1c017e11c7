// Starts the processes of a benchmark, each on its cores.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A process that printed its address as a JSON object. */
export interface Launched {
  addr: string;
  process: ChildProcess;
}

/** The cores for processes that are not measured. */
export function otherCores(): string {
  return cpus().length > 1 ? `1-${cpus().length - 1}` : '0';
}

/** Pins all threads of a process to these cores. Does nothing if `taskset` is not installed. */
export function pin(pid: number, cores: string): void {
  spawn('taskset', ['-apc', cores, String(pid)], { stdio: 'ignore' }).on('error', () => {});
}

/** Starts Node.js with these arguments, and resolves when it has printed {"addr": …}. */
export async function launch(args: string[], cores?: string): Promise<Launched> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let text = '';
  for await (const line of createInterface({ input: child.stdout as Readable })) {
    text += line;
    const addr = readAddr(text);
    if (addr === undefined) continue;
    if (cores !== undefined) pin(child.pid as number, cores);
    return { addr, process: child };
  }
  throw new Error(`${args.join(' ')} did not start`);
}

/** Options for starting a daemon. */
export interface DaemonOptions {
  redis: string;
  /** Its data directory. */
  directory: string;
  /** Additional flags for `imstate serve`. */
  flags?: string[];
  /** Flags for Node.js. */
  node?: string[];
}

/** Starts `imstate serve` from dist/ on core 0, with Redis. */
export function launchDaemon({ redis, directory, flags = [], node = [] }: DaemonOptions): Promise<Launched> {
  const all = ['--port', '0', '--redis', redis, '--data-dir', directory, '--json', ...flags];
  return launch([...node, 'bin/run.js', 'serve', ...all], '0');
}

/** A running bench/chatServer.ts. */
export interface ChatServer extends Launched {
  users: string[];
}

/** Starts a chat server that keeps its lease alive, and resolves when all of its sessions are logged in. */
export async function launchChatServer(
  daemon: string,
  server: { addr: string; sessions: number; leaseMs: number },
): Promise<ChatServer> {
  const { addr, sessions, leaseMs } = server;
  const flags = ['--daemon', daemon, '--addr', addr, '--sessions', `${sessions}`, '--lease-ms', `${leaseMs}`];
  const launched = await launch(['--import', 'tsx', 'bench/chatServer.ts', ...flags]);
  return { ...launched, users: Array.from({ length: sessions }, (_, i) => `${addr}/${i}`) };
}

/** The address in the output so far; undefined until the output is complete. */
function readAddr(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { addr: string }).addr;
  } catch {
    return undefined;
  }
}
