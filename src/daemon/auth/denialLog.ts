import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';

/** A repeated denial is logged again after this time, with the number of repeats. Milliseconds. */
const PAUSE_MS = 10_000;
/** How many different denials are tracked at the same time. */
const MAX_KINDS = 1_000;

/** The call that was denied. */
interface Denied {
  method: string;
  /** The address of the caller, with its port. */
  peer: string;
  /** The name of the caller, if it is known. */
  caller: string | undefined;
}

/**
 * Logs denied calls, without anything of the credential. A caller that keeps trying does not fill the log.
 */
export class DenialLog {
  readonly #log: Logger;
  readonly #kinds = new Map<string, { until: number; left: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs a denial, and returns the error for the caller. */
  note(error: unknown, denied: Denied): ImstateError {
    if (error instanceof ImstateError) {
      this.#warn(error, denied);
      return error;
    }
    this.#log.error({ ...denied, err: error }, 'internal error while checking a credential');
    return new ImstateError('INTERNAL', 'internal error: see the log of the daemon');
  }

  #warn({ code, message }: ImstateError, denied: Denied): void {
    const now = Date.now();
    const kind = JSON.stringify([code, denied.method, denied.peer.replace(/:\d+$/, ''), denied.caller]);
    const known = this.#kinds.get(kind);
    if (known !== undefined && now < known.until) {
      known.left += 1;
      return;
    }
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(kind, { until: now + PAUSE_MS, left: 0 });
    const before = known?.left ? { unlogged: known.left } : {};
    this.#log.warn({ ...denied, code, reason: message, ...before }, 'access denied');
  }
}
