import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { disposables } from './disposables.ts';
import { until } from './until.ts';

/** The example chat server. */
export const CHAT = fileURLToPath(new URL('../../examples/chat/', import.meta.url));

/** A process of examples/chat/main.ts. */
export interface ChatInstance {
  url: string;
  /** The address by which imstate identifies it. */
  addr: string;
  child: ChildProcess;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

/** How to start an instance; ports are free ones by default. */
export interface ChatInstanceOptions {
  /** The daemon. */
  endpoint: string;
  leaseMs: number;
  port?: number;
  hopPort?: number;
  /** Further flags. */
  flags?: string[];
}

/** Starts an instance, which is killed when the disposables run. */
export async function startChatInstance(options: ChatInstanceOptions): Promise<ChatInstance> {
  const { endpoint, leaseMs, port = 0, hopPort = 0, flags = [] } = options;
  const ports = ['--port', `${port}`, '--hop-port', `${hopPort}`];
  const child = spawn(process.execPath, [
    ...['--import', 'tsx', `${CHAT}main.ts`, ...ports],
    ...['--lease-ms', `${leaseMs}`, '--endpoint', endpoint, ...flags],
  ]);
  const shown = textOf(child);
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  disposables.push(() => child.kill('SIGKILL') && ended);
  await until(() => shown().includes('imstate ') || child.exitCode !== null, 'the chat server is ready');
  const [, url, addr] = /^clients\s+(\S+)\nimstate\s+(\S+)\n/m.exec(shown()) ?? [];
  if (!url || !addr) throw new Error(`the chat server did not start: ${shown()}`);
  return { url, addr, child, ended };
}

/** What a process has printed so far. */
export function textOf({ stdout, stderr }: ChildProcess): () => string {
  let text = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return () => text;
}
