import type { SessionRef } from 'imstate-client/internal/shared/session';
import type { Ended, Login, LoginResult, Logout, Session } from '../presence/sessions.js';

/** The methods of PresenceStore for one user: what each takes and returns. */
interface Operations {
  online: { request: Login; answer: LoginResult };
  offline: { request: Logout; answer: boolean };
  heartbeat: { request: SessionRef; answer: Ended | undefined };
  getDevice: { request: { userId: string; deviceId: string }; answer: Session | undefined };
  getUser: { request: { userId: string }; answer: Session[] };
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
