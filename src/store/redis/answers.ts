import type { EndReason } from 'imstate-client/internal/shared/session';
import { PackedText } from '../../presence/packedText.js';
import { END_REASONS, type SessionRecord, unpackRecord, unpackRecordAt } from '../../presence/record.js';
import { type LeaseRecord, readRecord, toSession } from '../../presence/rules.js';
import type { PastSession, Session, UserSession } from '../../presence/sessions.js';

/** The leases that a script put into its answer, a flat list of server and JSON. */
export class Leases {
  readonly #byServer: Map<string, LeaseRecord>;

  constructor(flat: (Buffer | string)[]) {
    this.#byServer = new Map();
    for (let i = 0; i < flat.length; i += 2) {
      const serverAddr = String(flat[i]);
      // The field '' holds what the sweep notes of the shard.
      if (serverAddr !== '') this.#byServer.set(serverAddr, parseLease(String(flat[i + 1])));
    }
  }

  of(serverAddr: string): LeaseRecord | undefined {
    return this.#byServer.get(serverAddr);
  }
}

/** A lease as scripts/leases.lua keeps it. */
export function parseLease(json: string): LeaseRecord {
  const lease = JSON.parse(json);
  return { ...lease, incarnation: Number(lease.incarnation) };
}

/** The instant at which a script read, and what it takes to judge the records that it found. */
export interface ReadingContext {
  now: number;
  leases: Leases;
  retentionMs: number;
}

/**
 * The sessions of records: those that readers may see, and those that the records show as online, whatever has run out since
 * (as the change log has them).
 */
export function readSessions(
  records: readonly SessionRecord[],
  { now, leases, retentionMs }: ReadingContext,
): { sessions: Session[]; recorded: Session[] } {
  const found: { sessions: Session[]; recorded: Session[] } = { sessions: [], recorded: [] };
  for (const record of records) {
    const lease = leases.of(record.serverAddr);
    const session = readRecord(record, lease, now, retentionMs);
    if (session) found.sessions.push(session);
    if (record.online) found.recorded.push(session?.online ? session : toSession(record, lease));
  }
  return found;
}

/** The records of a user's devices, see read.lua. */
export function recordsIn(texts: Texts): SessionRecord[] {
  const records: SessionRecord[] = [];
  while (!texts.isAtEnd) {
    const deviceId = texts.next(1);
    const bytes = texts.number(2);
    records.push(unpackRecordAt(deviceId, texts.packed, texts.at));
    texts.at += bytes;
  }
  return records;
}

/** The sessions in an answer of list.lua that readers see as online: user, device and packed session of each. */
export function readListed(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  return triples(flat).flatMap(([userId, deviceId, packed]) =>
    readSessions(recordsOf(deviceId, packed), context)
      .sessions.filter(({ online }) => online)
      .map((session) => ({ userId, session })),
  );
}

/** The sessions in an answer of snapshot.lua that the records show as online, whatever has run out since. */
export function readRecorded(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  return triples(flat).flatMap(([userId, deviceId, packed]) =>
    readSessions(recordsOf(deviceId, packed), context).recorded.map((session) => ({ userId, session })),
  );
}

/** The record of a device; none if there is no packed one. */
function recordsOf(deviceId: string, packed: Buffer | null): SessionRecord[] {
  return packed === null ? [] : [unpackRecord(deviceId, packed)];
}

/** User, device and packed session (null if it is gone), from a flat list of them. */
function triples(flat: (Buffer | null)[]): [userId: string, deviceId: string, packed: Buffer | null][] {
  return Array.from({ length: flat.length / 3 }, (_, i) => [
    String(flat[3 * i]),
    String(flat[3 * i + 1]),
    flat[3 * i + 2] ?? null,
  ]);
}

/** Reads what a script has packed: numbers, and texts, each behind its length in a byte. */
export class Texts {
  readonly packed: PackedText;
  /** Where the next one begins. */
  at: number;
  readonly #end: number;

  constructor(packed: PackedText, at: number, end = packed.bytes.length) {
    this.packed = packed;
    this.at = at;
    this.#end = end;
  }

  /** How many bytes are left. */
  get length(): number {
    return this.#end - this.at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  /** The next text; `extra` is 1 if it is never empty, and its length written less 1. */
  next(extra: 0 | 1): string {
    const start = this.at + 1;
    this.at = start + (this.packed.bytes[this.at] as number) + extra;
    return this.packed.text(start, this.at);
  }

  /** The next number, of so many bytes. */
  number(bytes: number): number {
    this.at += bytes;
    return this.packed.bytes.readUIntBE(this.at - bytes, bytes);
  }
}

/** An entry of a user's history, as scripts/sessions.lua packs it. */
export function readPastSession(entry: Buffer): PastSession {
  const texts = new Texts(new PackedText(entry), 13);
  return {
    deviceId: texts.next(1),
    sessionId: texts.next(1),
    serverAddr: texts.next(0),
    platform: texts.next(0),
    loginTimeMs: entry.readUIntBE(1, 6),
    endTimeMs: entry.readUIntBE(7, 6),
    endReason: END_REASONS[entry.readUInt8(0)] as EndReason,
  };
}
