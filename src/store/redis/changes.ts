import type { EndReason } from 'imstate-client/internal/shared/session';
import { NO_DETAILS } from '../../presence/details.js';
import { PackedText } from '../../presence/packedText.js';
import { END_REASONS } from '../../presence/record.js';
import type {
  BegunSession,
  Change,
  ChangeLogEntry,
  EndedSession,
  LogPosition,
  ReplacingLogin,
} from '../changeLog.js';
import { Texts } from './replies.js';
import { CHANGE_FLAGS } from './scriptConstants.js';

/** What a script appended to the change log of a shard, as it publishes it. */
export interface Message {
  shard: number;
  /** The newest entry before these; undefined if there was none. */
  after: LogPosition | undefined;
  entries: ChangeLogEntry[];
}

/** Reads what publish_changes in scripts/changes.lua publishes. */
export function readMessage(bytes: Buffer): Message {
  const packed = new PackedText(bytes);
  const entries: ChangeLogEntry[] = [];
  let at = 4 + bytes.readUInt16BE(2);
  const after = readLogPosition(bytes, 4, at);
  while (at < bytes.length) {
    const id = at + 2;
    const member = id + bytes.readUInt16BE(at) + 2;
    const change = member + bytes.readUInt16BE(member - 2) + 2;
    at = change + bytes.readUInt16BE(change - 2);
    const position = readLogPosition(bytes, id, member - 2);
    entries.push({ position, change: readChange(packed, member, change - 2, new Texts(packed, change)) });
  }
  return { shard: bytes.readUInt16BE(0), after: after[0] === 0 ? undefined : after, entries };
}

/** Reads an entry of the stream; undefined for the one without a change, see scripts/changeLog.lua. */
export function readEntry(id: Buffer, member: Buffer, change: Buffer): ChangeLogEntry | undefined {
  if (change.length === 0) return undefined;
  const texts = new Texts(new PackedText(change), 0);
  return {
    position: parseLogPosition(id),
    change: readChange(new PackedText(member), 0, member.length, texts),
  };
}

/** The position that an entry ID of a stream stands for. */
export function parseLogPosition(id: Buffer): LogPosition {
  return readLogPosition(id, 0, id.length);
}

const DASH = 0x2d;
const ZERO = 0x30;

function readLogPosition(bytes: Buffer, start: number, end: number): LogPosition {
  let [first, number] = [0, 0];
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === DASH) [first, number] = [number, 0];
    else number = number * 10 + byte - ZERO;
  }
  return [first, number];
}

/**
 * A change as note_change in scripts/changes.lua packs it: the member, from `start` to `end`, and the rest.
 */
function readChange(members: PackedText, start: number, end: number, texts: Texts): Change {
  const nul = members.bytes.indexOf(0, start);
  const flags = texts.number(1);
  const devicesOnline = texts.number(4);
  const timeMs = texts.number(6);
  const began = flags & CHANGE_FLAGS.BEGAN ? readBegun(texts) : undefined;
  const ended = flags & CHANGE_FLAGS.ENDED ? readEnded(texts) : undefined;
  if (flags & CHANGE_FLAGS.FIELDS) (began as BegunSession).details = texts.part().fields().details;
  if (flags & CHANGE_FLAGS.REASON_TEXT) (ended as EndedSession).reasonText = texts.part().rest();
  if (flags & CHANGE_FLAGS.BY) (ended as EndedSession).by = readBy(texts.part());
  return {
    userId: members.text(start, nul),
    deviceId: members.text(nul + 1, end),
    wasOnline: (flags & CHANGE_FLAGS.WAS_ONLINE) !== 0,
    began,
    ended,
    devicesOnline,
    timeMs,
  };
}

function readBegun(texts: Texts): BegunSession {
  const loginTimeMs = texts.number(6);
  return {
    loginTimeMs,
    sessionId: texts.next(1),
    serverAddr: texts.next(0),
    platform: texts.next(0),
    details: NO_DETAILS,
  };
}

function readBy(texts: Texts): ReplacingLogin {
  const deviceId = texts.next(1);
  return { deviceId, ...readBegun(texts), details: texts.fields().details };
}

function readEnded(texts: Texts): EndedSession {
  const reason = END_REASONS[texts.number(1)] as EndReason;
  return {
    reason,
    sessionId: texts.next(1),
    serverAddr: texts.next(0),
    platform: texts.next(0),
    reasonText: '',
    by: undefined,
  };
}
