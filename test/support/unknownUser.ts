import { spawn } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { scratchDirectory } from './credentials.ts';
import { disposables } from './disposables.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** A UID without a passwd entry, as of a container in OpenShift. */
const UNKNOWN_UID = 23_456;

/** Whether tests can start processes of another user. */
export const canChangeUser = process.geteuid?.() === 0;

/** The output of a command so far, and its exit code, which is null while it runs. */
export interface Started {
  output(): string;
  exitCode(): number | null;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts the real binary as a user without a passwd entry, with only this environment, until the end of the
 * test. `script` is a Bash script that runs as the user of the tests, and must `exec "$@"`.
 */
export function startAsUnknownUser(
  args: string[],
  env: Record<string, string>,
  { cwd = '/', script = 'exec "$@"' }: { cwd?: string; script?: string } = {},
): Started {
  const user = ['--reuid', `${UNKNOWN_UID}`, '--regid', `${UNKNOWN_UID}`, '--clear-groups'];
  const command = ['setpriv', ...user, process.execPath, BIN, ...args];
  const child = spawn('bash', ['-c', script, 'bash', ...command], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  disposables.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return {
    output: () => output,
    exitCode: () => child.exitCode,
    signal: (name) => void child.kill(name),
  };
}

/** A folder of that user, until the end of the test. */
export async function folderOfUnknownUser(): Promise<string> {
  const folder = await scratchDirectory();
  await chown(folder, UNKNOWN_UID, UNKNOWN_UID);
  return folder;
}
