import type { ImstateProcess } from './imstate.ts';

/** Twice the drain limit of 10 s, because the machine may be busy. */
const STOP_LIMIT_MS = 20_000;

/** Sends SIGTERM; resolves with the exit code, and whether the process ended by itself in time. */
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

/** The result of {@link stopped} for a normal stop. */
export const STOPPED = { exitCode: 0, inTime: true };
