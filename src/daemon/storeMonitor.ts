import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { PresenceStore } from '../store/store.js';

const CHECK_MS = 500;

interface MonitorOptions {
  store: PresenceStore;
  log: Logger;
  signal: AbortSignal;
  /** Told at every change: whether the store answers. */
  onChange(answers: boolean): void;
}

/** Asks the store twice a second whether it answers, until the signal aborts. */
export async function monitorStore({ store, log, signal, onChange }: MonitorOptions): Promise<void> {
  let answered = true;
  while (await delay(CHECK_MS, true, { signal }).catch(() => false)) {
    const failure = await store.check().then(
      () => undefined,
      (error: unknown) => error,
    );
    const answers = failure === undefined;
    if (answers === answered || signal.aborted) continue;
    answered = answers;
    if (answers) log.info('the store answers again');
    else log.error(`the store does not answer; calls fail until it does: ${messageOf(failure)}`);
    onChange(answers);
  }
}
