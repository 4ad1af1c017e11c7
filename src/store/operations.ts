import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { Ended, Login, LoginResult, Logout, Session } from '../presence/sessions.js';
import type { ReadBudget } from './reads.js';

/** What each method of PresenceStore that is for one user takes and answers. */
interface Operations {
  online: { request: Login; answer: LoginResult };
  offline: { request: Logout; answer: boolean };
  heartbeat: { request: SessionRef; answer: Ended | undefined };
  getDevice: { request: { userId: string; deviceId: string }; answer: Session | undefined };
  getUser: { request: { userId: string }; answer: Session[] };
}

type OperationType = keyof Operations;

/** A call of the method of PresenceStore after which it is named, to be carried out together with others. */
export type Operation = {
  [T in OperationType]: { readonly type: T; readonly request: Operations[T]['request'] };
}[OperationType];

/** What the operation answers. */
export type Answer<T extends OperationType = OperationType> = Operations[T]['answer'];

/** The methods for one user, for stores that carry out several operations at once. */
export abstract class OperationByOperation {
  abstract apply(operations: readonly Operation[], budget?: ReadBudget): Promise<(Answer | Error)[]>;

  /** See PresenceStore.online. */
  async online(request: Login, budget?: ReadBudget): Promise<LoginResult> {
    return onlyAnswer<'online'>(await this.apply([{ type: 'online', request }], budget));
  }

  /** See PresenceStore.offline. */
  async offline(request: Logout): Promise<boolean> {
    return onlyAnswer<'offline'>(await this.apply([{ type: 'offline', request }]));
  }

  /** See PresenceStore.heartbeat. */
  async heartbeat(request: SessionRef): Promise<Ended | undefined> {
    return onlyAnswer<'heartbeat'>(await this.apply([{ type: 'heartbeat', request }]));
  }

  /** See PresenceStore.getDevice. */
  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    return onlyAnswer<'getDevice'>(await this.apply([{ type: 'getDevice', request: { userId, deviceId } }]));
  }

  /** See PresenceStore.getUser. */
  async getUser(userId: string, budget?: ReadBudget): Promise<Session[]> {
    return onlyAnswer<'getUser'>(await this.apply([{ type: 'getUser', request: { userId } }], budget));
  }
}

function onlyAnswer<T extends OperationType>(answers: (Answer | Error)[]): Answer<T> {
  return allAnswers<T>(answers)[0] as Answer<T>;
}

/** The answers to operations of one type; throws if one failed. */
export function allAnswers<T extends OperationType>(answers: (Answer | Error)[]): Answer<T>[] {
  for (const answer of answers) if (answer instanceof Error) throw answer;
  return answers as Answer<T>[];
}
