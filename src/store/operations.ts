import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { Ended, Login, LoginResult, Logout, Session } from '../presence/sessions.js';
import type { ReadBudget } from './reads.js';

/** What each method of PresenceStore that is for one user takes and answers. */
interface Operations {
  online: { of: Login; answer: LoginResult };
  offline: { of: Logout; answer: boolean };
  heartbeat: { of: SessionRef; answer: Ended | undefined };
  getDevice: { of: { userId: string; deviceId: string }; answer: Session | undefined };
  getUser: { of: { userId: string }; answer: Session[] };
}

type Kind = keyof Operations;

/** A call of the method of PresenceStore after which it is named, to be carried out together with others. */
export type Operation = { [K in Kind]: { readonly kind: K; readonly of: Operations[K]['of'] } }[Kind];

/** What the operation answers. */
export type Answer<K extends Kind = Kind> = Operations[K]['answer'];

/** The methods for one user, for stores that carry out several operations at once. */
export abstract class OperationByOperation {
  abstract apply(operations: readonly Operation[], budget?: ReadBudget): Promise<(Answer | Error)[]>;

  /** See PresenceStore.online. */
  async online(of: Login, budget?: ReadBudget): Promise<LoginResult> {
    return onlyAnswer<'online'>(await this.apply([{ kind: 'online', of }], budget));
  }

  /** See PresenceStore.offline. */
  async offline(of: Logout): Promise<boolean> {
    return onlyAnswer<'offline'>(await this.apply([{ kind: 'offline', of }]));
  }

  /** See PresenceStore.heartbeat. */
  async heartbeat(of: SessionRef): Promise<Ended | undefined> {
    return onlyAnswer<'heartbeat'>(await this.apply([{ kind: 'heartbeat', of }]));
  }

  /** See PresenceStore.getDevice. */
  async getDevice(userId: string, deviceId: string): Promise<Session | undefined> {
    return onlyAnswer<'getDevice'>(await this.apply([{ kind: 'getDevice', of: { userId, deviceId } }]));
  }

  /** See PresenceStore.getUser. */
  async getUser(userId: string, budget?: ReadBudget): Promise<Session[]> {
    return onlyAnswer<'getUser'>(await this.apply([{ kind: 'getUser', of: { userId } }], budget));
  }
}

function onlyAnswer<K extends Kind>(answers: (Answer | Error)[]): Answer<K> {
  return allAnswers<K>(answers)[0] as Answer<K>;
}

/** The answers to operations of one kind; throws if one failed. */
export function allAnswers<K extends Kind>(answers: (Answer | Error)[]): Answer<K>[] {
  for (const answer of answers) if (answer instanceof Error) throw answer;
  return answers as Answer<K>[];
}
