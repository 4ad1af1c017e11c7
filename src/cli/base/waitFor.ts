import type { Client, SessionBegin, WatchEvent } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';

/** What to wait for. */
export interface WaitRequest {
  userId: string;
  /** Undefined for the user as a whole, who is online while any device is. */
  deviceId: string | undefined;
  online: boolean;
  /** How long, in milliseconds. What is so when it is over is told in any case, once it is known. */
  limitMs: number;
}

/** The sessions of a user, by device. */
export type Sessions = ReadonlyMap<string, SessionBegin>;

/** Waits until a user or device is as wished. Resolves with what is online in the end. */
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

/** What a watch has told of a user. */
class State {
  readonly sessions = new Map<string, SessionBegin>();
  /** True while nothing is missing. */
  isKnown = false;
  /** Why it is not known any more. */
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
