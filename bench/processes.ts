// Processes that a bench starts, each on the cores it is to have.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** A process that printed one JSON object with its address. */
export interface Launched {
  addr: string;
  process: ChildProcess;
}

/** Cores for whatever is not measured. */
export function otherCores(): string {
  return cpus().length > 1 ? `1-${cpus().length - 1}` : '0';
}

/** Keeps all threads of a process on these cores, where there is a taskset to do so. */
export function pin(pid: number, cores: string): void {
  spawn('taskset', ['-apc', cores, String(pid)], { stdio: 'ignore' }).on('error', () => {});
}

/** Starts Node.js with these arguments, on all cores unless told; resolves once it has printed {"addr": …}. */
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

/** How a daemon is started. */
export interface DaemonOptions {
  redis: string;
  /** For its files. */
  folder: string;
  /** Further flags of `imstate serve`. */
  flags?: string[];
  /** Flags of Node.js. */
  node?: string[];
}

/** Starts `imstate serve` of dist/ on core 0 and a Redis. */
export function launchDaemon({ redis, folder, flags = [], node = [] }: DaemonOptions): Promise<Launched> {
  const all = ['--port', '0', '--redis', redis, '--data-dir', folder, '--json', ...flags];
  return launch([...node, 'bin/run.js', 'serve', ...all], '0');
}

/** A chat server of bench/chatServer.ts that a bench may kill. */
export interface ChatServer extends Launched {
  users: string[];
}

/** Starts a chat server, which keeps its lease alive; resolves once all its sessions are logged in. */
export async function launchChatServer(
  daemon: string,
  server: { addr: string; sessions: number; leaseMs: number },
): Promise<ChatServer> {
  const { addr, sessions, leaseMs } = server;
  const flags = ['--daemon', daemon, '--addr', addr, '--sessions', `${sessions}`, '--lease-ms', `${leaseMs}`];
  const launched = await launch(['--import', 'tsx', 'bench/chatServer.ts', ...flags]);
  return { ...launched, users: Array.from({ length: sessions }, (_, i) => `${addr}/${i}`) };
}

/** The address in what was printed so far; undefined until that is whole. */
function readAddr(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { addr: string }).addr;
  } catch {
    return undefined;
  }
}
