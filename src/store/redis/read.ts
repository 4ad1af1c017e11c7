import { unpackRecordAt } from '../../presence/record.js';
import { newestLoginFirst } from '../../presence/rules.js';
import type { Session } from '../../presence/sessions.js';
import type { LogPosition } from '../changeLog.js';
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
  const { packed, at } = reply as Texts;
  return readSessions([unpackRecordAt(deviceId, packed, at)], context).sessions[0];
}

/**
 * Reads all devices of a user; nothing once the request has used up its budget. A class, because batches of
 * look-ups create very many of them.
 */
export class ReadUserCommand implements Command<Session[]> {
  readonly userId: string;
  readonly isChange = false;
  readonly #budget: ReadBudget;

  constructor(userId: string, budget: ReadBudget) {
    this.userId = userId;
    this.#budget = budget;
  }

  get text(): string {
    return this.#budget.rejection ? OPERATION.OP_SKIP : OPERATION.OP_READ_USER + this.userId;
  }

  readReply(reply: CommandReply, context: ReadContext): Session[] {
    if (reply === 0) throw this.#budget.rejection;
    const texts = reply as Texts;
    const { length } = texts;
    const { sessions } = readSessions(recordsIn(texts), context);
    if (sessions.length > 1) sessions.sort(newestLoginFirst);
    this.#budget.spend(sessions.length, length);
    return sessions;
  }

  merge(before: Session[], part: Session[]): Session[] {
    return mergeSessions(before, part);
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
