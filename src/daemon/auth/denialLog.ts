import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';

/** The same denial is logged again after this time, with how many there were. */
const PAUSE_MS = 10_000;
/** Different denials that are told apart at the same time. */
const MAX_KINDS = 1_000;

/** Who was refused, and where. */
interface Denied {
  method: string;
  /** Address of the caller, with its port. */
  peer: string;
  /** Name of the caller, if it is known. */
  caller: string | undefined;
}

/** Logs who was refused what; nothing of the credential. A caller that goes on trying does not fill the log. */
export class DenialLog {
  readonly #log: Logger;
  readonly #kinds = new Map<string, { until: number; left: number }>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs a denial, and returns what the caller is to be told. */
  note(error: unknown, denied: Denied): ImstateError {
    if (error instanceof ImstateError) {
      this.#warn(error, denied);
      return error;
    }
    this.#log.error({ ...denied, err: error }, 'a credential could not be checked by a fault of imstate');
    return new ImstateError('INTERNAL', 'internal fault; the log of the daemon has the details');
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
    this.#log.warn({ ...denied, code, ...before }, `refused: ${message}`);
  }
}
