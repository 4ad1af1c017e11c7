import { ImstateError } from '../errors.js';
import { CALLS_AT_ONCE } from './defaults.js';
import type { EndedSession, OnlineRequest, OnlineResult } from './messages.js';

/** A session that a chat server holds: what it gave to online(), with the sessionId and loginTime of the answer. */
export type HeldSession = OnlineRequest & { sessionId: string };

/** Reports a login. */
export type Online = (request: OnlineRequest) => Promise<OnlineResult>;

/** Where what comes of it is told. */
export interface ResendListener {
  onEnded(ended: EndedSession): void;
  onError(error: ImstateError): void;
}

/**
 * Sends sessions again, some at a time. Those that had ended, and those that are replaced by it, are told to
 * `onEnded`; one that can never be sent (INVALID_ARGUMENT) to `onError`. Any other failure ends it: rejects with that.
 * So does `signal`, which lets the calls under way be.
 */
export async function resend(
  sessions: Iterable<HeldSession>,
  online: Online,
  { onEnded, onError }: ResendListener,
  signal: AbortSignal,
): Promise<void> {
  const left = sessions[Symbol.iterator]();
  let hasFailed = false;
  const sendSome = async () => {
    for (let next = left.next(); !next.done && !hasFailed && !signal.aborted; next = left.next()) {
      const session = next.value;
      const result = await online(session).catch((error) => {
        hasFailed ||= !(error instanceof ImstateError) || error.code !== 'INVALID_ARGUMENT';
        if (hasFailed) throw error;
        onError(error);
        return { endReason: undefined, replaced: [] };
      });
      // Not where a call may fail: a listener that throws would have all sessions sent again, for ever.
      const ended = result.endReason ? [toEnded(session, result.endReason)] : result.replaced;
      queueMicrotask(() => ended.forEach(onEnded));
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, sendSome));
  signal.throwIfAborted();
}

function toEnded(session: HeldSession, reason: EndedSession['reason']): EndedSession {
  const { userId, deviceId, sessionId, serverAddr } = session;
  return { userId, deviceId, sessionId, serverAddr, reason };
}
