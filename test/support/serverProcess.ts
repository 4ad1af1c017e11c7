import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, holdsPort } from './ports.ts';
import { temporaryDirectory } from './temporaryDirectory.ts';

/** A server process of a test, in a temporary folder and on its own ports. */
export interface TestServer {
  port: number;
  /** A second port, for traffic between servers. */
  readonly peer: number;
  readonly pid: number;
  /** SIGSTOP: the process keeps its connections and stays silent. */
  freeze(): void;
  thaw(): void;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on the same ports after kill(), with an empty folder if `wipe`. */
  restart(options?: { wipe?: boolean }): Promise<void>;
  /** Kills it and removes its folder. */
  stop(): Promise<void>;
}

/** The ports and the folder of a server. */
export interface ServerResources {
  port: number;
  peer: number;
  folder: string;
}

type CommandOf = (resources: ServerResources) => string[];

/** How often to try other ports. */
const MAX_TRIES = 10;

/** Another process has taken a port since it was chosen. */
class PortTakenError extends Error {}

/** Starts a server with the command line for its ports and folder; tries other ports if these are taken. */
export function startServer(commandOf: CommandOf): Promise<TestServer> {
  return withFreePorts(async () => startOnPorts([await freePort(), await freePort()], commandOf));
}

/** Calls `start`, which chooses ports; again if one of them was taken before it could listen there. */
export async function withFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === MAX_TRIES) throw error;
    }
  }
}

/** Starts a server on these ports. Rejects if one is taken, or `giveUp` is aborted before it listens. */
export async function startOnPorts(
  [port, peer]: readonly [port: number, peer: number],
  commandOf: CommandOf,
  giveUp?: AbortSignal,
): Promise<TestServer> {
  let folder = await temporaryDirectory();
  let child = launch(commandOf({ port, peer, folder: folder.path }));
  const kill = () => end(child);
  const stop = async () => {
    await kill();
    await folder.remove();
  };
  const onGiveUp = () => void child.kill('SIGKILL');
  giveUp?.addEventListener('abort', onGiveUp, { once: true });
  try {
    await listening(child, port);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    giveUp?.removeEventListener('abort', onGiveUp);
  }
  return {
    port,
    peer,
    kill,
    stop,
    get pid() {
      return child.pid as number;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    restart: async ({ wipe = false } = {}) => {
      await kill();
      if (wipe) {
        await folder.remove();
        folder = await temporaryDirectory();
      }
      child = launch(commandOf({ port, peer, folder: folder.path }));
      await listening(child, port);
    },
  };
}

function launch([command = '', ...args]: string[]): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Resolves once the process listens on the port. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  let output = '';
  const collect = (chunk: string) => {
    output += chunk;
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', collect);
  let isClosed = false;
  child.once('close', () => {
    isClosed = true;
  });
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (let tries = 0; tries < 600; tries++) {
    if (failure !== undefined) throw failure;
    if (isClosed) throw endedEarly(child, port, output);
    if (await holdsPort(child.pid as number, port)) {
      // Its further output is not needed, but must be read.
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', collect).resume();
      return;
    }
    await delay(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function endedEarly({ exitCode }: ChildProcess, port: number, output: string): Error {
  if (/address already in use/i.test(output)) return new PortTakenError(`a port of ${port} is taken`);
  return new Error(`the server on port ${port} ended with ${exitCode}: ${output.slice(-500)}`);
}
