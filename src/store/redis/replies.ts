import { type Fields, readFields } from '../../presence/fields.js';
import type { PackedText } from '../../presence/packedText.js';
import { type SessionRecord, unpackRecord, unpackRecordAt } from '../../presence/record.js';
import { type LeaseRecord, readRecord, toSession } from '../../presence/rules.js';
import type { Session, UserSession } from '../../presence/sessions.js';

/** The leases in the reply of a script: a flat list of server and JSON. */
export class Leases {
  readonly #byServer = new Map<string, LeaseRecord>();

  constructor(flat: (Buffer | string)[]) {
    for (let i = 0; i < flat.length; i += 2) {
      const serverAddr = String(flat[i]);
      // The field '' holds the state of the sweep.
      if (serverAddr !== '') this.#byServer.set(serverAddr, parseLease(String(flat[i + 1])));
    }
  }

  of(serverAddr: string): LeaseRecord | undefined {
    return this.#byServer.get(serverAddr);
  }
}

/** A lease as scripts/leases.lua stores it. */
export function parseLease(json: string): LeaseRecord {
  const { drain, ...lease } = JSON.parse(json);
  const parsed: LeaseRecord = { ...lease, incarnation: Number(lease.incarnation) };
  if (drain) parsed.drain = { ...drain, incarnation: Number(drain.incarnation) };
  return parsed;
}

/** When a script read, and what is necessary to judge the records that it found. */
export interface ReadContext {
  /** Milliseconds since 1970, of the clock of Redis. */
  now: number;
  leases: Leases;
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
}

/**
 * The sessions of records: those that readers may see, and those that are recorded as online, even if they
 * have run out since (as the change log has them).
 */
export function readSessions(
  records: readonly SessionRecord[],
  { now, leases, retentionMs }: ReadContext,
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

/** The records of a user's devices, see scripts/read.lua. */
export function recordsIn(texts: Texts): SessionRecord[] {
  const records: SessionRecord[] = [];
  while (!texts.isAtEnd) {
    const deviceId = texts.next(1);
    const bytes = texts.number(2);
    const end = texts.at + bytes;
    records.push(unpackRecordAt(deviceId, texts.packed, texts.at, end));
    texts.at = end;
  }
  return records;
}

/**
 * The sessions in a reply of list.lua that readers see as online: user, device and packed session of each.
 */
export function readListed(flat: (Buffer | null)[], context: ReadContext): UserSession[] {
  return triples(flat).flatMap(([userId, deviceId, packed]) =>
    readSessions(recordsOf(deviceId, packed), context)
      .sessions.filter(({ online }) => online)
      .map((session) => ({ userId, session })),
  );
}

/** The sessions in a reply of snapshot.lua that are recorded as online, even if they have run out since. */
export function readRecorded(flat: (Buffer | null)[], context: ReadContext): UserSession[] {
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

/** Reads what a script has packed: numbers, and texts, each preceded by its length in a byte. */
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

  /** The next text; `extra` is 1 if it is never empty, and its length is written less 1. */
  next(extra: 0 | 1): string {
    const start = this.at + 1;
    this.at = start + (this.packed.bytes[this.at] as number) + extra;
    return this.packed.text(start, this.at);
  }

  /** The text up to the end. */
  rest(): string {
    const start = this.at;
    this.at = this.#end;
    return this.packed.text(start, this.#end);
  }

  /** The fields up to the end, see src/presence/fields.ts. */
  fields(): Fields {
    const start = this.at;
    this.at = this.#end;
    return readFields(this.packed, start, this.#end);
  }

  /** The next part, which is preceded by its length in two bytes. */
  part(): Texts {
    const bytes = this.number(2);
    this.at += bytes;
    return new Texts(this.packed, this.at - bytes, this.at);
  }

  /** The next number, of this many bytes. */
  number(bytes: number): number {
    this.at += bytes;
    return this.packed.bytes.readUIntBE(this.at - bytes, bytes);
  }
}
