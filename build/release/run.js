import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs a program and resolves with its stdout. If it fails, rejects after its exit. With a signal, the
 * program runs in a separate process group, which is terminated when the signal is aborted.
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

/** Also ends the programs that npm started. */
function endGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
