import type { Metadata } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { AuditIdentity } from '../../presence/audit.js';
import { UNAUTHENTICATED } from './identity.js';
import type { Caller } from './roles.js';

/** A repeated denial is logged again after this time, with the number of repeats. Milliseconds. */
const PAUSE_MS = 10_000;
/** How many different denials are tracked at the same time. */
const MAX_KINDS = 1_000;

/** The call that was denied. */
interface Denied {
  /** The path of a method of gRPC, or such as `GET /metrics`. */
  method: string;
  /** The address of the caller, with its port. */
  peer: string;
  /** Undefined if no credential was accepted. */
  caller: Caller | undefined;
  /** Who called, if it is not the caller or a caller without a credential. */
  identity?: AuditIdentity;
  metadata: Metadata;
}

/** What a listener gets to know of a denied call. */
export interface DeniedCall extends Pick<Denied, 'method' | 'peer' | 'metadata'> {
  identity: AuditIdentity;
  /** '' if no credential was accepted. */
  role: string;
  error: ImstateError;
}

/**
 * Logs denied calls, without anything of the credential. A caller that keeps trying does not fill the log.
 */
export class DenialLog {
  readonly #log: Logger;
  readonly #onDenied: (call: DeniedCall) => void;
  readonly #kinds = new Map<string, { until: number; left: number }>();

  /** `onDenied` is called for each denial, whether it is logged or not. */
  constructor(log: Logger, onDenied: (call: DeniedCall) => void) {
    this.#log = log;
    this.#onDenied = onDenied;
  }

  /** Logs a denial, and returns the error for the caller. */
  note(error: unknown, { method, peer, caller, identity, metadata }: Denied): ImstateError {
    const denied = { method, peer, caller: caller?.name };
    if (!(error instanceof ImstateError)) {
      this.#log.error({ ...denied, err: error }, 'internal error while checking a credential');
      return new ImstateError('INTERNAL', 'internal error: see the log of the daemon');
    }
    this.#warn(error, denied);
    const who = identity ?? caller?.identity ?? UNAUTHENTICATED;
    this.#onDenied({ method, peer, metadata, identity: who, role: caller?.role ?? '', error });
    return error;
  }

  #warn(
    { code, message }: ImstateError,
    denied: { method: string; peer: string; caller?: string | undefined },
  ): void {
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
