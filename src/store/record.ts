import type { EndReason, Session } from './store.js';

/**
 * The packed session, shared by both stores; scripts/record.lua packs and reads the same on Redis.
 *
 * A device online takes 18 bytes and its strings, so that a usual one stays under the 64 bytes at which Redis
 * would leave the compact encoding of a hash. Big-endian:
 *
 *   u8   flags: bit 0 online, bit 1 has a logout time, bit 2 has a deadline
 *   u8   end reason: index in REASONS
 *   u48  login time, ms
 *   u48  last seen, ms
 *   u48  logout time, ms   (only if bit 1)
 *   u48  deadline, ms      (only if bit 2: the end of the retention)
 *   u8 length - 1 + bytes  session id
 *   u8 length + bytes      chat server, then platform
 */
const ONLINE = 1;
const HAS_LOGOUT = 2;
const HAS_DEADLINE = 4;

const REASONS: readonly (EndReason | undefined)[] = [undefined, 'LOGOUT', 'REPLACED'];

/** A session with the time after which readers no longer see it (0: none). */
export interface SessionRecord extends Session {
  deadlineMs: number;
}

/** Packs a record; see the layout above. */
export function packRecord(record: SessionRecord): Buffer {
  const sessionId = Buffer.from(record.sessionId);
  const serverAddr = Buffer.from(record.serverAddr);
  const platform = Buffer.from(record.platform);
  const buffer = Buffer.allocUnsafe(29 + sessionId.length + serverAddr.length + platform.length);
  const hasLogout = record.logoutTimeMs !== undefined;
  const flags =
    (record.online ? ONLINE : 0) | (hasLogout ? HAS_LOGOUT : 0) | (record.deadlineMs > 0 ? HAS_DEADLINE : 0);
  let at = buffer.writeUInt8(flags, 0);
  at = buffer.writeUInt8(REASONS.indexOf(record.endReason), at);
  at = buffer.writeUIntBE(record.loginTimeMs, at, 6);
  at = buffer.writeUIntBE(record.lastSeenMs, at, 6);
  if (record.logoutTimeMs !== undefined) at = buffer.writeUIntBE(record.logoutTimeMs, at, 6);
  if (record.deadlineMs > 0) at = buffer.writeUIntBE(record.deadlineMs, at, 6);
  at = buffer.writeUInt8(sessionId.length - 1, at);
  at += sessionId.copy(buffer, at);
  for (const text of [serverAddr, platform]) {
    at = buffer.writeUInt8(text.length, at);
    at += text.copy(buffer, at);
  }
  return buffer.subarray(0, at);
}

/** Reads a packed record of the device. */
export function unpackRecord(deviceId: string, buffer: Buffer): SessionRecord {
  const flags = buffer.readUInt8(0);
  let at = 14;
  let logoutTimeMs: number | undefined;
  let deadlineMs = 0;
  if (flags & HAS_LOGOUT) {
    logoutTimeMs = buffer.readUIntBE(at, 6);
    at += 6;
  }
  if (flags & HAS_DEADLINE) {
    deadlineMs = buffer.readUIntBE(at, 6);
    at += 6;
  }
  const sessionEnd = at + 2 + buffer.readUInt8(at);
  const serverEnd = sessionEnd + 1 + buffer.readUInt8(sessionEnd);
  const platformEnd = serverEnd + 1 + buffer.readUInt8(serverEnd);
  return {
    deviceId,
    sessionId: buffer.toString('utf8', at + 1, sessionEnd),
    serverAddr: buffer.toString('utf8', sessionEnd + 1, serverEnd),
    platform: buffer.toString('utf8', serverEnd + 1, platformEnd),
    online: (flags & ONLINE) !== 0,
    loginTimeMs: buffer.readUIntBE(2, 6),
    lastSeenMs: buffer.readUIntBE(8, 6),
    logoutTimeMs,
    endReason: REASONS[buffer.readUInt8(1)],
    deadlineMs,
  };
}

/** True while readers may see the record: the device is online, or its retention is not over. */
export function isReadable(record: SessionRecord, nowMs: number): boolean {
  return record.online || record.deadlineMs > nowMs;
}

/** The record of a session that ended at `now`; a logout is the last that was heard of it. */
export function endSession(record: SessionRecord, endReason: EndReason, now: number): SessionRecord {
  const lastSeenMs = endReason === 'LOGOUT' ? now : record.lastSeenMs;
  return { ...record, online: false, lastSeenMs, logoutTimeMs: now, endReason };
}

/** Order of a user's sessions: newest login first, the device id as the tie-breaker. */
export function newestLoginFirst(a: Session, b: Session): number {
  return b.loginTimeMs - a.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1);
}
