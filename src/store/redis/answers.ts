import { END_REASONS, unpackRecord } from '../record.js';
import { type LeaseRecord, readRecord, toSession } from '../rules.js';
import type { EndReason, PastSession, Session, UserSession } from '../store.js';

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

  entries(): IterableIterator<[string, LeaseRecord]> {
    return this.#byServer.entries();
  }
}

function parseLease(json: string): LeaseRecord {
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
 * The sessions of devices, each with its packed record (null if there is none): those that readers may see, and those that the
 * records show as online, whatever has run out since (as the ledger has them).
 */
export function readSessions(
  devices: (readonly [deviceId: string, packed: Buffer | null])[],
  { now, leases, retentionMs }: ReadingContext,
): { sessions: Session[]; recorded: Session[] } {
  const found: { sessions: Session[]; recorded: Session[] } = { sessions: [], recorded: [] };
  for (const [deviceId, packed] of devices) {
    // The field '' of a user counts the devices that are online.
    if (deviceId === '' || packed === null) continue;
    const record = unpackRecord(deviceId, packed);
    const lease = leases.of(record.serverAddr);
    const session = readRecord(record, lease, now, retentionMs);
    if (session) found.sessions.push(session);
    if (record.online) found.recorded.push(session?.online ? session : toSession(record, lease));
  }
  return found;
}

/** The sessions in an answer of list.lua that readers see as online: user, device and packed session of each. */
export function readListed(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  return triples(flat).flatMap(([userId, deviceId, packed]) =>
    readSessions([[deviceId, packed]], context)
      .sessions.filter(({ online }) => online)
      .map((session) => ({ userId, session })),
  );
}

/** The sessions in an answer of snapshot.lua that the records show as online, whatever has run out since. */
export function readRecorded(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  return triples(flat).flatMap(([userId, deviceId, packed]) =>
    readSessions([[deviceId, packed]], context).recorded.map((session) => ({ userId, session })),
  );
}

/** Two names and what they stand for (null if it is gone), from a flat list of them. */
export function triples(flat: (Buffer | null)[]): [string, string, Buffer | null][] {
  return Array.from({ length: flat.length / 3 }, (_, i) => [
    String(flat[3 * i]),
    String(flat[3 * i + 1]),
    flat[3 * i + 2] ?? null,
  ]);
}

/** Name and value, from a flat list of both. */
export function pairs(flat: Buffer[]): [string, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    (flat[2 * i] as Buffer).toString(),
    flat[2 * i + 1] as Buffer,
  ]);
}

/** An entry of a user's history, as scripts/shard.lua packs it. */
export function readPastSession(entry: Buffer): PastSession {
  let at = 13;
  const text = (extra: number) => {
    const length = entry.readUInt8(at) + extra;
    at += 1 + length;
    return entry.toString('utf8', at - length, at);
  };
  return {
    ...{ deviceId: text(1), sessionId: text(1), serverAddr: text(0), platform: text(0) },
    ...{ loginTimeMs: entry.readUIntBE(1, 6), endTimeMs: entry.readUIntBE(7, 6) },
    endReason: END_REASONS[entry.readUInt8(0)] as EndReason,
  };
}
