import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { Ended, Login, LoginResult, LoginTrial, Logout, Session } from '../presence/sessions.js';

/** Which user to read. */
export interface UserQuery {
  userId: string;
  /** Whether to read {@link UserRead.lastSeenMs}. */
  includeLastSeen?: boolean;
}

/** A user who was read. */
export interface UserRead {
  /** Newest login first. */
  sessions: Session[];
  /**
   * When the user was last online, see lastSeenOf; undefined if it is not known, or was not asked for.
   * Milliseconds since 1970.
   */
  lastSeenMs: number | undefined;
}

/** The methods of PresenceStore for one user: what each takes and returns. */
interface Operations {
  online: { request: Login; answer: LoginResult };
  validateLogin: { request: LoginTrial; answer: LoginResult };
  offline: { request: Logout; answer: boolean };
  heartbeat: { request: SessionRef; answer: Ended | undefined };
  getDevice: { request: { userId: string; deviceId: string }; answer: Session | undefined };
  getUser: { request: UserQuery; answer: UserRead };
}

type OperationType = keyof Operations;

/** A call of one of these methods, to be executed together with others. */
export type Operation = {
  [T in OperationType]: { readonly type: T; readonly request: Operations[T]['request'] };
}[OperationType];

/** What the operation returns. */
export type Answer<T extends OperationType = OperationType> = Operations[T]['answer'];

/** The answers to operations of one type; throws the first error among them. */
export function allAnswers<T extends OperationType>(answers: (Answer | Error)[]): Answer<T>[] {
  for (const answer of answers) if (answer instanceof Error) throw answer;
  return answers as Answer<T>[];
}
