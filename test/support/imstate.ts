import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './servers.ts';
import { until } from './until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** A running `imstate serve`, as a process of its own. */
export interface Imstate {
  pid: number;
  /** The address it printed. */
  addr: string;
  dataDir: string;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** kill -9, and removes its folder. */
  kill(): Promise<void>;
}

/** Starts the real binary, and resolves once it has printed its address. */
export async function startImstate(...args: string[]): Promise<Imstate> {
  const folder = await temporaryFolder();
  const at = args.indexOf('--data-dir');
  const dataDir = at < 0 ? folder.path : (args[at + 1] as string);
  const child = launch(at < 0 ? [...args, '--data-dir', dataDir] : args);
  const { stdout, stderr } = collect(child);
  const ended = endOf(child);
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  await until(() => isOver || stdout().includes('service'), `imstate ${args.join(' ')} is ready`);
  const addr = /^address\s+(\S+?),?(\s|$)/m.exec(stdout())?.[1];
  if (addr === undefined) throw new Error(`imstate ${args.join(' ')} did not start: ${stderr()}`);
  return {
    ...{ pid: child.pid as number, addr, dataDir, stdout, stderr, ended },
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
      await folder.remove();
    },
  };
}

/** What a command printed, and its exit code. */
export interface Finished {
  stdout: string;
  stderr: string;
  exitCode: number | NodeJS.Signals;
}

/** Runs the real binary to its end. */
export async function runImstate(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  const child = launch(args, env);
  const { stdout, stderr } = collect(child);
  const exitCode = await endOf(child);
  return { stdout: stdout(), stderr: stderr(), exitCode };
}

function launch(args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
}

function collect(child: ChildProcess): { stdout(): string; stderr(): string } {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  return { stdout: () => text.stdout, stderr: () => text.stderr };
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
}
