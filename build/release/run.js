import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs a program and returns what it printed on stdout. Rejects, once it has ended, if it fails. With a signal the
 * program runs in a process group of its own, which is ended when the signal is aborted.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, signal?: AbortSignal }} options
 */
export async function run(command, args, { cwd, signal }) {
  signal?.throwIfAborted();
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(command, args, { cwd, stdio, detached: signal !== undefined });
  const end = () => endGroup(child);
  signal?.addEventListener('abort', end);
  let failure = new Error(`failed: ${[command, ...args].join(' ')}`);
  child.once('error', (error) => {
    failure = error;
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const [output, code] = [await text(child.stdout), await closed];
  signal?.removeEventListener('abort', end);
  signal?.throwIfAborted();
  if (code === 0) return output.trimEnd();
  process.stderr.write(output);
  throw failure;
}

/** Ends the programs that npm started as well. */
function endGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
