import { LIMITS } from '../../presence/limits.js';
import type { LoginRejection, LoginResult, ReplacedSession, Session } from '../../presence/sessions.js';
import type { Answer, Operation, UserRead } from '../../store/operations.js';
import {
  atMost,
  exactly,
  MAX_DEVICE_BYTES,
  type Measure,
  type Shown,
  sizeOf,
  sizeOfUser,
  tooLarge,
  USER_BYTES,
  whole,
  withoutMetadata,
} from './answerSize.js';

const MAX_BYTES = LIMITS.answerBytes.max;
/** An ended session on the wire, without its strings. */
const ENDED_BYTES = 20;
const MAX_ENDED_BYTES = ENDED_BYTES + 3 * LIMITS.id.max + LIMITS.address.max + LIMITS.reasonText.max;
/** The result of a login without the sessions that it replaced, or that reject it. */
const LOGIN_BYTES = LIMITS.id.max + 64 + 2 * (LIMITS.policyName.max + 16);
/** A result that is a flag, and one that is an error. */
const SMALL_BYTES = 16;
const ERROR_BYTES = 1_024;
const USER_FORM = { metadata: true, explanation: true };
const BARE_USER_FORM = { metadata: false, explanation: true };
const CONFLICT_FORM = { metadata: false, explanation: false };

/** The part of an operation's result that goes into a response. */
export type ShownAnswer = Answer | Shown | Error;

/** The part of a login's result for which the response has room. */
export function showLogin(userId: string, result: LoginResult): LoginResult {
  if (maxBytesOfLogin(result) <= MAX_BYTES) return result;
  return new Room(MAX_BYTES - LOGIN_BYTES).fitLogin(userId, result);
}

/**
 * The results for which the response to a batch has room: everything, or users without metadata, in the order
 * of the batch. Users without room fail, and sessions that logins replaced are left out. `otherErrors`
 * further operations of the batch have failed.
 */
export function showAnswers(
  operations: readonly Operation[],
  answers: readonly (Answer | Error)[],
  otherErrors: number,
): ShownAnswer[] {
  const bytes = MAX_BYTES - otherErrors * ERROR_BYTES;
  const bytesBy = (sizeOf: typeof maxBytesOf) =>
    answers.reduce<number>((sum, answer, i) => sum + sizeOf(operations[i] as Operation, answer), 0);
  const fits =
    bytesBy(maxBytesOf) <= bytes ||
    [atMost, exactly].some(
      (measure) => bytesBy((operation, answer) => bytesOf(measure, operation, answer)) <= bytes,
    );
  if (fits) return answers.map((answer, i) => showWhole(operations[i] as Operation, answer));
  const room = new Room(bytes - bytesBy(leastBytesOf));
  return answers.map((answer, i) => room.fit(operations[i] as Operation, answer));
}

/** The bytes that are left in a response. The minimum of each result is counted already. */
class Room {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  fit({ type, request }: Operation, answer: Answer | Error): ShownAnswer {
    if (answer instanceof Error) return answer;
    if (isLogin(type)) return this.fitLogin(request.userId, answer as LoginResult);
    const user = userIn(type, answer);
    return user ? this.#fitUser(user) : answer;
  }

  fitLogin(userId: string, result: LoginResult): LoginResult {
    const { replaced, replacedOmitted = 0, rejection } = result;
    const end = replaced.findIndex((session) => !this.#take(endedBytes(exactly, userId, session)));
    const omitted = replacedOmitted + replaced.length - end;
    const shown =
      end === -1 ? result : { ...result, replaced: replaced.slice(0, end), replacedOmitted: omitted };
    return rejection === undefined ? shown : { ...shown, rejection: this.#fitRejection(rejection) };
  }

  #fitRejection(rejection: LoginRejection): LoginRejection {
    const { conflicts, conflictsOmitted } = rejection;
    const end = conflicts.findIndex((session) => !this.#take(sizeOf(session, CONFLICT_FORM, exactly)));
    if (end === -1) return rejection;
    const omitted = conflictsOmitted + conflicts.length - end;
    return { ...rejection, conflicts: conflicts.slice(0, end), conflictsOmitted: omitted };
  }

  #fitUser({ sessions, lastSeenMs }: UserRead): Shown | Error {
    const hasRoom = this.#take(sizeOfUser(sessions, BARE_USER_FORM, exactly));
    return hasRoom ? withoutMetadata(sessions, lastSeenMs) : tooLarge();
  }

  /** False if there is no room. */
  #take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

function showWhole({ type }: Operation, answer: Answer | Error): ShownAnswer {
  if (answer instanceof Error) return answer;
  const user = userIn(type, answer);
  return user ? whole(user.sessions, user.lastSeenMs) : answer;
}

/** Whether the answer of an operation is a {@link LoginResult}. */
function isLogin(type: Operation['type']): boolean {
  return type === 'online' || type === 'validateLogin';
}

/** What an operation has read of a user; undefined if it reads none. */
function userIn(type: Operation['type'], answer: Answer): UserRead | undefined {
  if (type === 'getUser') return answer as UserRead;
  if (type !== 'getDevice') return undefined;
  return { sessions: answer === undefined ? [] : [answer as Session], lastSeenMs: undefined };
}

/** The maximum size of a result, by counts alone: the usual batch is not measured. */
function maxBytesOf({ type }: Operation, answer: Answer | Error): number {
  if (answer instanceof Error) return ERROR_BYTES;
  if (isLogin(type)) return maxBytesOfLogin(answer as LoginResult);
  if (type === 'getUser') return USER_BYTES + (answer as UserRead).sessions.length * MAX_DEVICE_BYTES;
  if (type === 'getDevice') return USER_BYTES + MAX_DEVICE_BYTES;
  return type === 'heartbeat' && answer !== undefined ? MAX_ENDED_BYTES : SMALL_BYTES;
}

function maxBytesOfLogin({ replaced, rejection }: LoginResult): number {
  const conflicts = rejection?.conflicts.length ?? 0;
  return LOGIN_BYTES + replaced.length * MAX_ENDED_BYTES + conflicts * MAX_DEVICE_BYTES;
}

function bytesOf(measure: Measure, operation: Operation, answer: Answer | Error): number {
  const { type, request } = operation;
  if (answer instanceof Error) return ERROR_BYTES;
  if (isLogin(type)) {
    const { replaced, rejection } = answer as LoginResult;
    const ended = replaced.reduce((sum, session) => sum + endedBytes(measure, request.userId, session), 0);
    const conflicts = rejection?.conflicts ?? [];
    return conflicts.reduce(
      (sum, session) => sum + sizeOf(session, CONFLICT_FORM, measure),
      LOGIN_BYTES + ended,
    );
  }
  const user = userIn(type, answer);
  return user ? sizeOfUser(user.sessions, USER_FORM, measure) : maxBytesOf(operation, answer);
}

/** The minimum size of a result. */
function leastBytesOf(operation: Operation, answer: Answer | Error): number {
  const { type } = operation;
  if (answer instanceof Error || type === 'getUser' || type === 'getDevice') return ERROR_BYTES;
  return isLogin(type) ? LOGIN_BYTES : maxBytesOf(operation, answer);
}

function endedBytes(
  measure: Measure,
  userId: string,
  { deviceId, sessionId, serverAddr }: ReplacedSession,
): number {
  return ENDED_BYTES + measure(userId) + measure(deviceId) + measure(sessionId) + measure(serverAddr);
}
