import type { Place } from '../ledger.js';
import type { Answer, Operation } from '../operations.js';
import { END_REASONS, unpackRecordAt } from '../record.js';
import { LOGIN_POLICIES, newestLoginFirst } from '../rules.js';
import type { Ended, Login, LoginResult, Logout, ReplacedSession, Session, SessionRef } from '../store.js';
import { type ReadingContext, readSessions, recordsIn, type Texts } from './answers.js';
import { parsePlace } from './changes.js';

/** Control characters occur in no id and address. */
const END = '\x1f';

/** One operation of scripts/apply.lua on a user. */
export interface Command<Result = unknown> {
  readonly userId: string;
  /** Its letter, and what its function takes. */
  readonly text: string;
  readonly isChange: boolean;
  /** Makes the result of the script's answer. */
  result(answer: ScriptAnswer, context: ReadingContext): Result;
}

/** What scripts/apply.lua answers to a command. */
export type ScriptAnswer = number | Texts | null;

/** The command that carries out an operation. */
export function commandOf({ kind, of }: Operation): Command<Answer> {
  switch (kind) {
    case 'online':
      return loginCommand(of);
    case 'offline':
      return logoutCommand(of);
    case 'heartbeat':
      return heartbeatCommand(of);
    case 'getDevice':
      return deviceCommand(of);
    case 'getUser':
      return userCommand(of);
  }
}

function loginCommand(login: Login): Command<LoginResult> {
  const { userId, deviceId, sessionId, serverAddr, platform, metadata, ttlMs, incarnation } = login;
  const policy = LOGIN_POLICIES.indexOf(login.policy);
  const isNew = login.isNewSessionId ? 1 : 0;
  const text =
    `+${userId}${END}${deviceId}${END}${sessionId}${END}${serverAddr}${END}${platform}${END}${ttlMs}${END}` +
    `${incarnation}${END}${policy}${END}${login.resentLoginTimeMs}${END}${isNew}${END}${metadataText(metadata)}${END}`;
  return { userId, text, isChange: true, result: loginResult };
}

function metadataText(metadata: Record<string, string>): string {
  for (const _ in metadata) return JSON.stringify(metadata);
  return '';
}

/** See online.lua: the login time if that says it all. */
function loginResult(answer: ScriptAnswer): LoginResult {
  if (typeof answer === 'number') return { loginTimeMs: answer, replaced: [], endReason: undefined };
  const texts = answer as Texts;
  const loginTimeMs = texts.number(6);
  const endReason = END_REASONS[texts.number(1)];
  const replaced: ReplacedSession[] = [];
  while (!texts.isAtEnd) {
    replaced.push({ deviceId: texts.next(1), sessionId: texts.next(1), serverAddr: texts.next(0) });
    texts.next(0);
  }
  return { loginTimeMs, replaced, endReason };
}

function logoutCommand({ userId, deviceId, sessionId, graceMs }: Logout): Command<boolean> {
  const text = `-${userId}${END}${deviceId}${END}${sessionId ?? ''}${END}${graceMs}${END}`;
  return { userId, text, isChange: true, result: isOne };
}

/** See PresenceStore.evictSession. */
export function evictCommand({ userId, deviceId, sessionId }: SessionRef): Command<boolean> {
  const text = `e${userId}${END}${deviceId}${END}${sessionId}${END}`;
  return { userId, text, isChange: true, result: isOne };
}

function isOne(answer: ScriptAnswer): boolean {
  return answer === 1;
}

function heartbeatCommand({ userId, deviceId, sessionId }: SessionRef): Command<Ended | undefined> {
  const text = `h${userId}${END}${deviceId}${END}${sessionId}${END}`;
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
  return { userId, text: `d${userId}${END}${deviceId}${END}`, isChange: false, result };
}

function userCommand({ userId }: { userId: string }): Command<Session[]> {
  return { userId, text: `u${userId}`, isChange: false, result: userResult };
}

function userResult(answer: ScriptAnswer, context: ReadingContext): Session[] {
  const { sessions } = readSessions(recordsIn(answer as Texts), context);
  return sessions.length > 1 ? sessions.sort(newestLoginFirst) : sessions;
}

/** See Ledger.readUser. */
export function userAtCommand(userId: string): Command<{ sessions: Session[]; place: Place }> {
  return { userId, text: `a${userId}`, isChange: false, result: userAtResult };
}

function userAtResult(answer: ScriptAnswer, context: ReadingContext): { sessions: Session[]; place: Place } {
  const texts = answer as Texts;
  const place = parsePlace(Buffer.from(texts.next(0)));
  const { recorded } = readSessions(recordsIn(texts), context);
  return { sessions: recorded.sort(newestLoginFirst), place };
}
