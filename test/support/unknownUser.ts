import { spawn } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { scratchDirectory } from './credentials.ts';
import { disposables } from './disposables.ts';

const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** A uid without a passwd entry, as OpenShift gives to a container. */
const UNKNOWN_UID = 23_456;

/** Whether processes of another user can be started here. */
export const canChangeUser = process.geteuid?.() === 0;

/** What a command has printed so far, and its exit code, which is null while it runs. */
export interface Started {
  output(): string;
  exitCode(): number | null;
}

/**
 * Starts the real binary as a user without a passwd entry, with this environment and no other, until the end of the test. `script` is of
 * bash, runs as the user of the tests, and has to `exec "$@"`.
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
  return { output: () => output, exitCode: () => child.exitCode };
}

/** A folder of that user, until the end of the test. */
export async function folderOfUnknownUser(): Promise<string> {
  const folder = await scratchDirectory();
  await chown(folder, UNKNOWN_UID, UNKNOWN_UID);
  return folder;
}
