import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './servers.ts';
import { until } from './until.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** A process of the real binary. */
export interface ImstateProcess {
  pid: number;
  /** Undefined unless it was requested. */
  stdin: Writable | null;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

/** A running `imstate serve`. */
export interface Imstate extends ImstateProcess {
  /** The address it printed. */
  addr: string;
  dataDir: string;
  /** kill -9, and removes its data directory. */
  kill(): Promise<void>;
}

/** How to start a binary. */
export interface ProgramOptions {
  /** Its path; by default that of this clone. */
  bin?: string;
  env?: Record<string, string>;
  stdin?: 'ignore' | 'pipe';
  nodeOptions?: string[];
}

/** Starts the real binary without waiting for it. */
export function spawnImstate(
  args: string[],
  env: Record<string, string> = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): ImstateProcess {
  return spawnProgram(args, { env, stdin });
}

function spawnProgram(
  args: string[],
  { bin = BIN, env = {}, stdin = 'ignore', nodeOptions = [] }: ProgramOptions,
): ImstateProcess {
  return watchProcess(
    spawn(process.execPath, [...nodeOptions, bin, ...args], {
      stdio: [stdin, 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    }),
  );
}

/** Starts the real binary with a limit of file size, as on a full disk. */
export function spawnLimited(args: string[], kilobytes: number): ImstateProcess {
  const script = `trap '' XFSZ; ulimit -f ${kilobytes}; exec "$@"`;
  return watchProcess(
    spawn('bash', ['-c', script, 'bash', process.execPath, BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

function watchProcess(child: ChildProcess): ImstateProcess {
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return { pid: child.pid as number, stdin: child.stdin, ...collect(child), signal, ended };
}

/** Starts `imstate serve`, by default in its own data directory; resolves once it has printed its address. */
export async function startImstate(...args: string[]): Promise<Imstate> {
  return startProgram(args, {});
}

/** Starts `imstate serve` like {@link startImstate}, with options of Node.js. */
export async function startImstateWith(nodeOptions: string[], ...args: string[]): Promise<Imstate> {
  return startProgram(args, { nodeOptions });
}

/** Starts `imstate serve` of a binary like {@link startImstate}. */
export async function startProgram(args: string[], options: ProgramOptions): Promise<Imstate> {
  const folder = await temporaryDirectory();
  const at = args.indexOf('--data-dir');
  const dataDir = at < 0 ? folder.path : (args[at + 1] as string);
  const serveArgs = at < 0 ? [...args, '--data-dir', dataDir] : args;
  const started = spawnProgram(serveArgs, options);
  let isOver = false;
  void started.ended.then(() => {
    isOver = true;
  });
  await until(() => isOver || started.stdout().includes('service'), `imstate ${args.join(' ')} is ready`);
  const addr = /^address\s+(\S+?),?(\s|$)/m.exec(started.stdout())?.[1];
  if (addr === undefined) throw new Error(`imstate ${args.join(' ')} did not start: ${started.stderr()}`);
  return {
    ...started,
    addr,
    dataDir,
    kill: async () => {
      started.signal('SIGKILL');
      await started.ended;
      await folder.remove();
    },
  };
}

/** The output of a command, and its exit code. */
export interface Finished {
  stdout: string;
  stderr: string;
  exitCode: number | NodeJS.Signals;
}

/** Runs the real binary to its end. Its calls have a longer timeout, because the machine may be busy. */
export async function runImstate(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return runProgram(args, { env });
}

/** Runs a binary to its end, like {@link runImstate}. */
export async function runProgram(args: string[], options: ProgramOptions): Promise<Finished> {
  const env = { IMSTATE_TIMEOUT: '30s', ...options.env };
  const { ended, stdout, stderr } = spawnProgram(args, { ...options, env });
  const exitCode = await ended;
  return { stdout: stdout(), stderr: stderr(), exitCode };
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
