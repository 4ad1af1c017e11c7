import type { SessionRef } from 'imstate-client/internal/shared/session';
import { END_REASONS, unpackRecordAt } from '../../presence/record.js';
import { LOGIN_POLICIES, newestLoginFirst, tooManyDevices } from '../../presence/rules.js';
import type { Ended, Login, LoginResult, Logout, ReplacedSession, Session } from '../../presence/sessions.js';
import type { LogPosition } from '../changeLog.js';
import type { Answer, Operation } from '../operations.js';
import type { ReadBudget } from '../reads.js';
import { type ReadingContext, readSessions, recordsIn, type Texts } from './answers.js';
import { parseLogPosition } from './changes.js';
import { END_OF_ARGUMENT as END, OPERATION, TOO_MANY_DEVICES } from './scriptConstants.js';

/** One operation of scripts/apply.lua on a user. */
export interface Command<Result = unknown> {
  readonly userId: string;
  /** Its letter, and what its function takes. */
  readonly text: string;
  readonly isChange: boolean;
  /** Makes the result of the script's answer. */
  result(answer: ScriptAnswer, context: ReadingContext): Result;
  /** The result of two parts, for a command that a script may carry out in part. */
  merge?(before: Result, part: Result): Result;
  /** The whole command of which this one carries out a further part. */
  readonly whole?: Command<Result>;
}

/** The command that goes on from a cursor, of which the result so far is known. See scripts/apply.lua. */
export function goOn<Result>(command: Command<Result>, cursor: string, before: Result): Command<Result> {
  const whole = command.whole ?? command;
  const { userId, isChange, text } = whole;
  return {
    userId,
    isChange,
    whole,
    text: `${OPERATION.OP_CONTINUE}${cursor}${END}${text}`,
    result: (answer, context) => whole.merge?.(before, whole.result(answer, context)) as Result,
  };
}

/** What scripts/apply.lua answers to a command. */
export type ScriptAnswer = number | Texts | null;

/** The command that carries out an operation of a request. */
export function commandOf(
  { type, request }: Operation,
  { maxDevices, budget }: { maxDevices: number; budget: ReadBudget },
): Command<Answer> {
  switch (type) {
    case 'online':
      return loginCommand(request, maxDevices);
    case 'offline':
      return logoutCommand(request);
    case 'heartbeat':
      return heartbeatCommand(request);
    case 'getDevice':
      return deviceCommand(request);
    case 'getUser':
      return new UserCommand(request.userId, budget);
  }
}

function loginCommand(login: Login, maxDevices: number): Command<LoginResult> {
  const { userId, deviceId, sessionId, serverAddr, platform, metadata, ttlMs, incarnation } = login;
  const policy = LOGIN_POLICIES.indexOf(login.policy);
  const isNew = login.isNewSessionId ? 1 : 0;
  const text =
    `${OPERATION.OP_ONLINE}${userId}${END}${deviceId}${END}${sessionId}${END}${serverAddr}${END}${platform}${END}${ttlMs}${END}` +
    `${incarnation}${END}${policy}${END}${login.resentLoginTimeMs}${END}${isNew}${END}${metadataText(metadata)}${END}`;
  const result = (answer: ScriptAnswer) => loginResult(answer, maxDevices);
  return { userId, text, isChange: true, merge: mergeLogins, result };
}

function mergeLogins(before: LoginResult, part: LoginResult): LoginResult {
  return { ...part, replaced: [...part.replaced, ...before.replaced] };
}

function metadataText(metadata: Record<string, string>): string {
  for (const _ in metadata) return JSON.stringify(metadata);
  return '';
}

/** See online.lua: the login time if that says it all. Throws if the user may have no more devices online. */
function loginResult(answer: ScriptAnswer, maxDevices: number): LoginResult {
  if (typeof answer === 'number') return { loginTimeMs: answer, replaced: [], endReason: undefined };
  const texts = answer as Texts;
  const loginTimeMs = texts.number(6);
  const reason = texts.number(1);
  if (reason === TOO_MANY_DEVICES) throw tooManyDevices(maxDevices);
  const endReason = END_REASONS[reason];
  const replaced: ReplacedSession[] = [];
  while (!texts.isAtEnd) {
    replaced.push({ deviceId: texts.next(1), sessionId: texts.next(1), serverAddr: texts.next(0) });
    texts.next(0);
  }
  return { loginTimeMs, replaced, endReason };
}

function logoutCommand({ userId, deviceId, sessionId, graceMs }: Logout): Command<boolean> {
  const text = `${OPERATION.OP_OFFLINE}${userId}${END}${deviceId}${END}${sessionId ?? ''}${END}${graceMs}${END}`;
  return { userId, text, isChange: true, result: isOne };
}

/** See PresenceStore.evictSession. */
export function evictCommand({ userId, deviceId, sessionId }: SessionRef): Command<boolean> {
  const text = `${OPERATION.OP_EVICT}${userId}${END}${deviceId}${END}${sessionId}${END}`;
  return { userId, text, isChange: true, result: isOne };
}

function isOne(answer: ScriptAnswer): boolean {
  return answer === 1;
}

function heartbeatCommand({ userId, deviceId, sessionId }: SessionRef): Command<Ended | undefined> {
  const text = `${OPERATION.OP_HEARTBEAT}${userId}${END}${deviceId}${END}${sessionId}${END}`;
  return { userId, text, isChange: true, result: heartbeatResult };
}

function heartbeatResult(answer: ScriptAnswer): Ended | undefined {
  return answer === 0 ? undefined : (END_REASONS[answer as number] ?? 'UNKNOWN');
}

function deviceCommand({
  userId,
  deviceId,
}: {
  userId: string;
  deviceId: string;
}): Command<Session | undefined> {
  const result = (answer: ScriptAnswer, context: ReadingContext) => {
    if (answer === null) return undefined;
    const { packed, at } = answer as Texts;
    return readSessions([unpackRecordAt(deviceId, packed, at)], context).sessions[0];
  };
  return {
    userId,
    text: `${OPERATION.OP_READ_DEVICE}${userId}${END}${deviceId}${END}`,
    isChange: false,
    result,
  };
}

/** Reads a user; nothing once the request has read as much as it may. A class: batches of look-ups make very many of them. */
class UserCommand implements Command<Session[]> {
  readonly userId: string;
  readonly isChange = false;
  readonly #budget: ReadBudget;

  constructor(userId: string, budget: ReadBudget) {
    this.userId = userId;
    this.#budget = budget;
  }

  get text(): string {
    return this.#budget.refusal ? OPERATION.OP_SKIP : `${OPERATION.OP_READ_USER}${this.userId}`;
  }

  result(answer: ScriptAnswer, context: ReadingContext): Session[] {
    if (answer === 0) throw this.#budget.refusal;
    const texts = answer as Texts;
    const { length } = texts;
    const sessions = userResult(texts, context);
    this.#budget.spend(sessions.length, length);
    return sessions;
  }

  merge(before: Session[], part: Session[]): Session[] {
    return mergeSessions(before, part);
  }
}

/** A device that logged in between the parts may be in both. */
function mergeSessions(before: Session[], part: Session[]): Session[] {
  const newest = new Map([...before, ...part].map((session) => [session.deviceId, session]));
  return [...newest.values()].sort(newestLoginFirst);
}

function userResult(texts: Texts, context: ReadingContext): Session[] {
  const { sessions } = readSessions(recordsIn(texts), context);
  return sessions.length > 1 ? sessions.sort(newestLoginFirst) : sessions;
}

/** A user's sessions that its records show as online, and the place in the change log. */
interface UserAtResult {
  sessions: Session[];
  place: LogPosition;
}

/** See ChangeLog.readUser. */
export function userAtCommand(userId: string): Command<UserAtResult> {
  return {
    userId,
    text: `${OPERATION.OP_READ_USER_AT}${userId}`,
    isChange: false,
    result: userAtResult,
    merge: mergeUserAt,
  };
}

/** From the first place on all changes are known, some of which the later parts have already. */
function mergeUserAt(before: UserAtResult, part: UserAtResult): UserAtResult {
  return { place: before.place, sessions: mergeSessions(before.sessions, part.sessions) };
}

function userAtResult(answer: ScriptAnswer, context: ReadingContext): UserAtResult {
  const texts = answer as Texts;
  const place = parseLogPosition(Buffer.from(texts.next(0)));
  const { recorded } = readSessions(recordsIn(texts), context);
  return { sessions: recorded.sort(newestLoginFirst), place };
}
