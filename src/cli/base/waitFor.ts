import type { Client, SessionBegin, WatchEvent } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** The status to wait for. */
export interface WaitRequest {
  userId: string;
  /** Undefined for the user, who is online while any device is. */
  deviceId: string | undefined;
  online: boolean;
  /** Milliseconds. If the status is unknown at the end, the wait lasts until it is known, or cannot be. */
  limitMs: number;
}

/** The sessions of a user, by device. */
export type Sessions = ReadonlyMap<string, SessionBegin>;

/** Waits until a user or device has the status. Resolves with the sessions online at the end. */
export async function waitFor(client: Pick<Client, 'watch'>, request: WaitRequest): Promise<Sessions> {
  const { userId, deviceId, online, limitMs } = request;
  const watch = client.watch({ users: [userId] });
  const state = new State(deviceId);
  let isOver = false;
  const limit = setTimeout(() => {
    isOver = true;
    if (state.isKnown || state.fault) watch.close();
  }, limitMs);
  try {
    for await (const event of watch) {
      state.take(event);
      if (state.isKnown && (isOver || state.sessions.size > 0 === online)) return state.sessions;
      if (isOver && state.fault) break;
    }
  } finally {
    clearTimeout(limit);
  }
  if (state.isKnown) return state.sessions;
  const message = `it is not known whether ${userId} is ${online ? 'online' : 'offline'}: ${state.fault?.message}`;
  throw new ImstateError('UNAVAILABLE', message);
}

/** The state of a user, from the events of a watch. */
class State {
  readonly sessions = new Map<string, SessionBegin>();
  /** True while no change is missing. */
  isKnown = false;
  /** Why the state is unknown. */
  fault: ImstateError | undefined;
  readonly #deviceId: string | undefined;

  constructor(deviceId: string | undefined) {
    this.#deviceId = deviceId;
  }

  take(event: WatchEvent): void {
    if (event.type === 'synced') {
      this.isKnown = true;
      this.fault = undefined;
    } else if (event.type === 'disconnected') {
      this.isKnown = false;
      this.fault = event.error;
    } else if (event.type === 'lost') {
      this.isKnown = false;
      this.sessions.clear();
    } else if (event.type === 'snapshot') {
      this.sessions.clear();
      for (const { deviceId, sessionId = '', ...device } of event.devices)
        this.#set(deviceId, { ...device, sessionId });
    } else if (event.type === 'change') {
      this.#set(event.deviceId, event.session);
    }
  }

  #set(deviceId: string, session: SessionBegin | undefined): void {
    if (this.#deviceId !== undefined && deviceId !== this.#deviceId) return;
    if (session === undefined) this.sessions.delete(deviceId);
    else this.sessions.set(deviceId, session);
  }
}
