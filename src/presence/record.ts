import type { EndReason } from 'imstate-client/internal/shared/session';
import { packFields, readFields } from './fields.js';
import { PackedText } from './packedText.js';
import type { Session } from './sessions.js';

/**
 * The packed session, shared by both stores; scripts/record.lua packs and reads the same on Redis.
 *
 * A device online takes 17 bytes and its strings, so that a usual one stays under the 64 bytes at which Redis
 * would leave the compact encoding of a hash. Big-endian:
 *
 *   u8   flags: see RECORD_FLAGS
 *   u8   end reason: index in END_REASONS
 *   u48  login time, ms
 *   u48  last seen, ms
 *   u48  logout time, ms; u48 when to remove the record, ms   (only if not online)
 *   u32  time to live, ms                                     (only if TTL)
 *   u48  end of the grace, ms                                 (only if GRACE)
 *   u48  incarnation of the chat server                       (only if INCARNATION)
 *   u8 length - 1 + bytes  session id
 *   u8 length + bytes      chat server, then platform
 *   u16 length + bytes     metadata, a JSON object            (only if METADATA)
 *   the rest               fields, see fields.ts
 *
 * Versions before 0.2.0 take what follows the texts for metadata when they write the record anew. Below
 * feature level 2, a record with fields therefore has metadata, which may be {}.
 */
export const RECORD_FLAGS = { ONLINE: 1, TTL: 2, GRACE: 4, INCARNATION: 8, METADATA: 16 } as const;

/** End reasons by the number that is stored in records, scripts and the history. */
export const END_REASONS: readonly (EndReason | undefined)[] = [
  undefined,
  'LOGOUT',
  'REPLACED',
  'EXPIRED',
  'SERVER_LOST',
  'EVICTED',
];

/** A session as it is stored: as of its last write. */
export interface SessionRecord extends Omit<Session, 'lease'> {
  /** Incarnation of the chat server to whose lease the session belongs; 0 if to none. */
  incarnation: number;
}

/** Packs a record; see the layout above. */
export function packRecord(record: SessionRecord): Buffer {
  const texts = [record.sessionId, record.serverAddr, record.platform].map((text) => Buffer.from(text));
  const [session, server, platform] = texts as [Buffer, Buffer, Buffer];
  const metadata = packMetadata(record.metadata);
  const fields = packFields(record);
  const size = 45 + session.length + server.length + platform.length + metadata.length + fields.length;
  const buffer = Buffer.allocUnsafe(size);
  let at = buffer.writeUInt8(flagsOf(record, metadata), 0);
  at = buffer.writeUInt8(END_REASONS.indexOf(record.endReason), at);
  at = buffer.writeUIntBE(record.loginTimeMs, at, 6);
  at = buffer.writeUIntBE(record.lastSeenMs, at, 6);
  if (!record.online) {
    at = buffer.writeUIntBE(record.logoutTimeMs ?? 0, at, 6);
    at = buffer.writeUIntBE(record.removalTimeMs, at, 6);
  }
  if (record.ttlMs > 0) at = buffer.writeUInt32BE(record.ttlMs, at);
  if (record.graceEndMs > 0) at = buffer.writeUIntBE(record.graceEndMs, at, 6);
  if (record.incarnation > 0) at = buffer.writeUIntBE(record.incarnation, at, 6);
  at = buffer.writeUInt8(session.length - 1, at);
  at += session.copy(buffer, at);
  for (const text of [server, platform]) {
    at = buffer.writeUInt8(text.length, at);
    at += text.copy(buffer, at);
  }
  if (metadata.length > 0) {
    at = buffer.writeUInt16BE(metadata.length, at);
    at += metadata.copy(buffer, at);
  }
  at += fields.copy(buffer, at);
  return buffer.subarray(0, at);
}

function flagsOf(record: SessionRecord, metadata: Buffer): number {
  return (
    (record.online ? RECORD_FLAGS.ONLINE : 0) |
    (record.ttlMs > 0 ? RECORD_FLAGS.TTL : 0) |
    (record.graceEndMs > 0 ? RECORD_FLAGS.GRACE : 0) |
    (record.incarnation > 0 ? RECORD_FLAGS.INCARNATION : 0) |
    (metadata.length > 0 ? RECORD_FLAGS.METADATA : 0)
  );
}

const NO_METADATA = Buffer.alloc(0);

function packMetadata(metadata: Record<string, string>): Buffer {
  for (const _ in metadata) return Buffer.from(JSON.stringify(metadata));
  return NO_METADATA;
}

/** Reads a packed record of the device. */
export function unpackRecord(deviceId: string, buffer: Buffer): SessionRecord {
  return unpackRecordAt(deviceId, new PackedText(buffer), 0, buffer.length);
}

/** Reads the packed record of the device from `start` to `end`. */
export function unpackRecordAt(
  deviceId: string,
  packed: PackedText,
  start: number,
  end: number,
): SessionRecord {
  const buffer = packed.bytes;
  const flags = buffer[start] as number;
  const online = (flags & RECORD_FLAGS.ONLINE) !== 0;
  let at = start + 14;
  const next = (bytes: number) => {
    at += bytes;
    return buffer.readUIntBE(at - bytes, bytes);
  };
  const logoutTimeMs = online ? undefined : next(6);
  const removalTimeMs = online ? 0 : next(6);
  const ttlMs = flags & RECORD_FLAGS.TTL ? next(4) : 0;
  const graceEndMs = flags & RECORD_FLAGS.GRACE ? next(6) : 0;
  const incarnation = flags & RECORD_FLAGS.INCARNATION ? next(6) : 0;
  const text = (bytes: number) => {
    at += bytes;
    return packed.text(at - bytes, at);
  };
  const sessionId = text(next(1) + 1);
  const serverAddr = text(next(1));
  const platform = text(next(1));
  const metadata = flags & RECORD_FLAGS.METADATA ? JSON.parse(text(next(2))) : {};
  const { details, reasonText } = readFields(packed, at, end);
  return {
    deviceId,
    sessionId,
    serverAddr,
    platform,
    metadata,
    details,
    online,
    loginTimeMs: buffer.readUIntBE(start + 2, 6),
    lastSeenMs: buffer.readUIntBE(start + 8, 6),
    logoutTimeMs,
    endReason: END_REASONS[buffer[start + 1] as number],
    reasonText,
    ttlMs,
    graceEndMs,
    removalTimeMs,
    incarnation,
  };
}
