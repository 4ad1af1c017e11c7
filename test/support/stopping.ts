import type { ImstateProcess } from './imstate.ts';

/** The drain limit of 10 s, and as much again for a machine that has other things to do. */
const STOP_LIMIT_MS = 20_000;

/** Sends SIGTERM; resolves with the exit code, and whether the process ended by itself within what it promises. */
export async function stopped(daemon: ImstateProcess): Promise<{ exitCode: unknown; inTime: boolean }> {
  let inTime = true;
  daemon.signal('SIGTERM');
  const late = setTimeout(() => {
    inTime = false;
    daemon.signal('SIGKILL');
  }, STOP_LIMIT_MS);
  const exitCode = await daemon.ended;
  clearTimeout(late);
  return { exitCode, inTime };
}

/** What {@link stopped} resolves with if all went well. */
export const STOPPED = { exitCode: 0, inTime: true };
