import { ImstateError } from '../errors.js';
import type { Changes } from './changes.js';
import { CALLS_AT_ONCE } from './defaults.js';
import type { EndedSession, OfflineRequest, OfflineResult, OnlineRequest, OnlineResult } from './messages.js';

/** A session that a chat server holds: what it gave to online(), with the sessionId and loginTime of the answer. */
export type HeldSession = OnlineRequest & { sessionId: string };

/** What it takes to send sessions again: the calls, of which `changes` takes no note, and the changes that others make. */
export interface ResendCalls {
  online(request: OnlineRequest): Promise<OnlineResult>;
  offline(request: OfflineRequest): Promise<OfflineResult>;
  changes: Changes;
}

/** Where what comes of it is told. */
export interface ResendListener {
  onEnded(ended: EndedSession): void;
  onError(error: ImstateError): void;
}

/**
 * Sends sessions again, some at a time, and repeats the logouts that were made meanwhile. Those that had ended, and those
 * that are replaced by it, are told to `onEnded`; what can never be sent (INVALID_ARGUMENT) to `onError`. Any other failure ends it:
 * rejects with that. So does `signal`, which lets the calls under way be.
 */
export async function resend(
  sessions: Iterable<HeldSession>,
  calls: ResendCalls,
  listener: ResendListener,
  signal: AbortSignal,
): Promise<void> {
  const left = sessions[Symbol.iterator]();
  let failure: unknown;
  const sendSome = async () => {
    for (let next = left.next(); !next.done && !failure && !signal.aborted; next = left.next()) {
      try {
        await send(next.value, calls, listener);
        await repeatLogouts(calls, listener);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  // Also those that others' failure stops are waited for: what they send may have been applied.
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, sendSome));
  if (failure) throw failure;
  await repeatLogouts(calls, listener);
  signal.throwIfAborted();
}

async function send(
  session: HeldSession,
  { online, changes }: ResendCalls,
  { onEnded, onError }: ResendListener,
): Promise<void> {
  try {
    const { endReason, replaced } = await online(session);
    const ended = endReason === undefined ? replaced : [toEnded(session, endReason)];
    // Not where a call may fail: a listener that throws would have all sessions sent again, for ever.
    queueMicrotask(() => ended.forEach(onEnded));
  } catch (error) {
    if (!isInvalid(error)) throw error;
    onError(error);
  } finally {
    changes.sent(session);
  }
}

async function repeatLogouts({ offline, changes }: ResendCalls, { onError }: ResendListener): Promise<void> {
  for (let request = changes.takeRepeat(); request; request = changes.takeRepeat()) {
    try {
      await offline(request);
    } catch (error) {
      if (isInvalid(error)) {
        onError(error);
      } else {
        changes.repeat(request);
        throw error;
      }
    }
  }
}

function isInvalid(error: unknown): error is ImstateError {
  return error instanceof ImstateError && error.code === 'INVALID_ARGUMENT';
}

function toEnded(session: HeldSession, reason: EndedSession['reason']): EndedSession {
  const { userId, deviceId, sessionId, serverAddr } = session;
  return { userId, deviceId, sessionId, serverAddr, reason };
}
