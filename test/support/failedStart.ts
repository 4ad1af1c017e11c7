import { pino } from 'pino';
import type { DaemonOptions } from '../../src/daemon/daemonOptions.ts';
import { startTestDaemon } from './daemon.ts';

/**
 * Starts a daemon that lacks something, ends the start once an attempt has failed, and returns the error. It
 * rejects if the daemon starts. A short --start-timeout would be over before the first attempt on a busy
 * machine.
 */
export async function failedStart(options: Partial<DaemonOptions>): Promise<Error> {
  const stop = new AbortController();
  const log = Object.assign(pino({ level: 'silent' }), {
    warn: (_fields: object, message: string) => {
      if (message === 'start delayed: retrying') stop.abort();
    },
  });
  const start = startTestDaemon({ ...options, startTimeoutMs: 60_000, signal: stop.signal, log });
  const outcome = await start.catch((error: Error) => error);
  if (outcome instanceof Error) return outcome;
  await outcome.remove();
  throw new Error('the daemon has started');
}
