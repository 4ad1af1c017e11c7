import { unpackRecordAt } from '../../presence/record.js';
import { lastSeenOf, newestLoginFirst } from '../../presence/rules.js';
import type { Session } from '../../presence/sessions.js';
import type { LogPosition } from '../changeLog.js';
import type { UserQuery, UserRead } from '../operations.js';
import type { ReadBudget } from '../reads.js';
import { parseLogPosition } from './changes.js';
import type { Command, CommandReply } from './command.js';
import { type ReadContext, readSessions, recordsIn, type Texts } from './replies.js';
import { END_OF_ARGUMENT as END, OPERATION } from './scriptConstants.js';

/** Reads one device, see scripts/read.lua. */
export function readDeviceCommand(userId: string, deviceId: string): Command<Session | undefined> {
  return {
    userId,
    text: `${OPERATION.OP_READ_DEVICE}${userId}${END}${deviceId}${END}`,
    isChange: false,
    readReply: (reply, context) => decodeDevice(deviceId, reply, context),
  };
}

function decodeDevice(deviceId: string, reply: CommandReply, context: ReadContext): Session | undefined {
  if (reply === null) return undefined;
  const { packed, at, length } = reply as Texts;
  return readSessions([unpackRecordAt(deviceId, packed, at, at + length)], context).sessions[0];
}

/**
 * Reads all devices of a user; nothing once the request has used up its budget. A class, because batches of
 * look-ups create very many of them.
 */
export class ReadUserCommand implements Command<UserRead> {
  readonly userId: string;
  readonly isChange = false;
  readonly #budget: ReadBudget;
  readonly #includeLastSeen: boolean;

  constructor({ userId, includeLastSeen = false }: UserQuery, budget: ReadBudget) {
    this.userId = userId;
    this.#budget = budget;
    this.#includeLastSeen = includeLastSeen;
  }

  get text(): string {
    if (this.#budget.rejection) return OPERATION.OP_SKIP;
    return (this.#includeLastSeen ? OPERATION.OP_READ_USER_SEEN : OPERATION.OP_READ_USER) + this.userId;
  }

  readReply(reply: CommandReply, context: ReadContext): UserRead {
    if (reply === 0) throw this.#budget.rejection;
    const texts = reply as Texts;
    const { length } = texts;
    const lastEndMs = this.#includeLastSeen ? texts.number(6) : 0;
    const { sessions } = readSessions(recordsIn(texts), context);
    if (sessions.length > 1) sessions.sort(newestLoginFirst);
    this.#budget.spend(sessions.length, length);
    const lastSeenMs = this.#includeLastSeen ? lastSeenOf(sessions, lastEndMs, context.now) : undefined;
    return { sessions, lastSeenMs };
  }

  merge(before: UserRead, part: UserRead): UserRead {
    const latest = Math.max(before.lastSeenMs ?? 0, part.lastSeenMs ?? 0);
    return { sessions: mergeSessions(before.sessions, part.sessions), lastSeenMs: latest || undefined };
  }
}

/** A user's sessions that are recorded as online, at a position of the change log. */
export interface UserAtPosition {
  sessions: Session[];
  position: LogPosition;
}

/** Reads a user for ChangeLog.readUser, see scripts/read.lua. */
export function readUserAtCommand(userId: string): Command<UserAtPosition> {
  const text = OPERATION.OP_READ_USER_AT + userId;
  return { userId, text, isChange: false, readReply: decodeUserAt, merge: mergeUserAt };
}

function decodeUserAt(reply: CommandReply, context: ReadContext): UserAtPosition {
  const texts = reply as Texts;
  const position = parseLogPosition(Buffer.from(texts.next(0)));
  const { recorded } = readSessions(recordsIn(texts), context);
  return { sessions: recorded.sort(newestLoginFirst), position };
}

/** From the first position on all changes are known; the later parts already contain some of them. */
function mergeUserAt(before: UserAtPosition, part: UserAtPosition): UserAtPosition {
  return { position: before.position, sessions: mergeSessions(before.sessions, part.sessions) };
}

/** A device that logged in between the parts may be in both. */
function mergeSessions(before: Session[], part: Session[]): Session[] {
  const newest = new Map([...before, ...part].map((session) => [session.deviceId, session]));
  return [...newest.values()].sort(newestLoginFirst);
}
