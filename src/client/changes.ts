import { setImmediate } from 'node:timers/promises';
import type { SessionRef } from '../store/store.js';
import type { OfflineRequest, OnlineRequest } from './messages.js';

type Device = Pick<SessionRef, 'userId' | 'deviceId'>;

/**
 * The logins and logouts that are under way in a client, for a resync. A login that was applied before the store lost its data,
 * and answered after, is one that the chat server does not hold yet. A logout that is applied before its session is sent again
 * finds no session, and has to be repeated.
 */
export class Changes {
  readonly #logins = new Set<Promise<unknown>>();
  readonly #logouts = new Set<OfflineRequest>();
  #resyncs = 0;
  /** Logouts made while sessions were sent again, by the session that they name. */
  readonly #made = new Map<string, OfflineRequest>();
  readonly #toRepeat = new Map<string, OfflineRequest>();

  /** Takes note of a login until it is answered. */
  login<T>(request: OnlineRequest, answer: Promise<T>): Promise<T> {
    if (request.sessionId !== undefined) this.#forgetLogout(request, request.sessionId);
    return track(this.#logins, answer, answer);
  }

  /** Takes note of a logout until it is answered, or until the end of a resync. */
  logout<T>(request: OfflineRequest, answer: Promise<T>): Promise<T> {
    if (this.#resyncs > 0) this.#note(request);
    return track(this.#logouts, request, answer);
  }

  /** A resync begins. Resolves when the logins of before are answered, and who made them has taken it in. */
  async beginResync(): Promise<void> {
    this.#resyncs += 1;
    for (const request of this.#logouts) this.#note(request);
    await Promise.allSettled(this.#logins);
    await setImmediate();
  }

  endResync(): void {
    this.#resyncs -= 1;
    if (this.#resyncs === 0) this.#made.clear();
  }

  /** A session was sent again, or may have been: a logout that was made before may have been applied before. */
  sent(session: SessionRef): void {
    const { sessionId } = session;
    const request = this.#made.get(keyOf(session, sessionId)) ?? this.#made.get(keyOf(session, undefined));
    if (request) this.repeat({ ...request, sessionId });
  }

  /** Takes a logout that is to be repeated; undefined if there is none. */
  takeRepeat(): OfflineRequest | undefined {
    const [next] = this.#toRepeat;
    if (next) this.#toRepeat.delete(next[0]);
    return next?.[1];
  }

  /** The logout is to be repeated. */
  repeat(request: OfflineRequest): void {
    this.#toRepeat.set(keyOf(request, request.sessionId), request);
  }

  #note(request: OfflineRequest): void {
    this.#made.set(keyOf(request, request.sessionId), request);
  }

  /** The session came back after its logout, which must not be repeated. */
  #forgetLogout(device: Device, sessionId: string): void {
    this.#made.delete(keyOf(device, sessionId));
    this.#made.delete(keyOf(device, undefined));
    this.#toRepeat.delete(keyOf(device, sessionId));
  }
}

/** Keeps an entry in the set until the answer is there. */
function track<Entry, T>(entries: Set<Entry>, entry: Entry, answer: Promise<T>): Promise<T> {
  entries.add(entry);
  const remove = () => entries.delete(entry);
  answer.then(remove, remove);
  return answer;
}

function keyOf({ userId, deviceId }: Device, sessionId: string | undefined): string {
  return JSON.stringify([userId, deviceId, sessionId]);
}
