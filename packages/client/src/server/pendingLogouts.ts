import type { PresenceApi } from '../calls/presenceApi.js';
import { isRejected } from '../connection/untilAnswered.js';
import type { ImstateError } from '../shared/errors.js';
import type { SessionRef } from '../shared/session.js';
import { refOf } from './heldSessions.js';

/** Options of {@link PendingLogouts}. */
interface PendingLogoutsOptions {
  /** Whether the session has been logged in again: its logout is obsolete. */
  isHeld(sessionId: string): boolean;
  /** Called for a logout that a daemon rejected, which is not repeated. */
  onError(error: ImstateError): void;
}

/** Logouts that no daemon answered. They are repeated when a daemon responds again. */
export class PendingLogouts {
  readonly #api: Pick<PresenceApi, 'offline'>;
  readonly #options: PendingLogoutsOptions;
  readonly #sessions = new Map<string, SessionRef>();

  constructor(api: Pick<PresenceApi, 'offline'>, options: PendingLogoutsOptions) {
    this.#api = api;
    this.#options = options;
  }

  add(session: SessionRef): void {
    this.#sessions.set(session.sessionId, refOf(session));
  }

  delete(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  /** Repeats all of them. */
  repeat(): void {
    for (const [sessionId, session] of this.#sessions) {
      this.#sessions.delete(sessionId);
      this.#api.offline(session).catch((error: ImstateError) => {
        if (isRejected(error)) this.#options.onError(error);
        else if (!this.#options.isHeld(sessionId)) this.add(session);
      });
    }
  }
}
