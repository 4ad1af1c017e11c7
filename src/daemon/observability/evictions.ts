import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import type { EvictTarget, Presence } from '../presence.js';

/** Who evicts, and by which call. */
export interface EvictedBy {
  /** Such as `/imstate.v1.PresenceService/Evict`. */
  method: string;
  /** The identity of the caller: see identityOf(). */
  caller: string;
  /** The address of the caller, with its port. */
  peer: string;
}

/**
 * Ends sessions for administrators, by gRPC and by HTTP. Each eviction writes one line to the log: who ended
 * whose sessions, and how many. IDs are not masked there, because only the running daemon can match a mask.
 */
export class Evictions {
  readonly #presence: Presence;
  readonly #log: Logger;

  constructor(presence: Presence, log: Logger) {
    this.#presence = presence;
    this.#log = log;
  }

  /** Ends sessions. `more` is true if another call would end more of them. */
  async evict(
    target: EvictTarget,
    reasonText: string,
    by: EvictedBy,
  ): Promise<{ evicted: number; more: boolean }> {
    const line = { ...by, ...fieldsOf(target), reasonText: reasonText || undefined };
    try {
      const { evicted, more, failure } = await this.#presence.evict(target, reasonText, by.peer);
      this.#log.info({ ...line, evicted, more, ...reasonOf(failure) }, 'sessions were evicted');
      // A caller that does not know partial results must not consider the eviction complete.
      if (failure !== undefined && !more) throw new PartialEviction(evicted, failure);
      return { evicted, more };
    } catch (error) {
      // What was evicted before the error has its own line.
      if (!(error instanceof PartialEviction))
        this.#log.warn({ ...line, ...reasonOf(error) }, 'sessions could not be evicted');
      throw error;
    }
  }
}

/** Some sessions have ended, and others could not be ended. */
class PartialEviction extends ImstateError {
  constructor(evicted: number, failure: ImstateError) {
    super(failure.code, `${evicted} sessions were evicted, but not all: ${failure.message}; evict again`, {
      cause: failure,
    });
  }
}

function fieldsOf(target: EvictTarget): object {
  if ('serverAddr' in target) return { serverAddr: target.serverAddr };
  if ('userId' in target) return { user: target.userId };
  if ('device' in target) return { user: target.device.userId, device: target.device.deviceId };
  const { userId, deviceId, sessionId } = target.session;
  return { user: userId, device: deviceId, session: sessionId };
}

function reasonOf(error: unknown): object {
  if (error === undefined) return {};
  return { code: error instanceof ImstateError ? error.code : 'INTERNAL', reason: messageOf(error) };
}
