import { END_REASONS, unpackRecord } from '../record.js';
import { type LeaseRecord, readRecord, toSession } from '../rules.js';
import type { EndReason, PastSession, Session, UserSession } from '../store.js';
import { pairs } from './changes.js';

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
 * The sessions of a device (packed or null) or of a user (device, packed, …): those that readers may see, and those that the
 * records show as online, whatever has run out since (as the ledger has them).
 */
export function readSessions(
  answer: Buffer | null | Buffer[],
  deviceId: string,
  { now, leases, retentionMs }: ReadingContext,
): { sessions: Session[]; recorded: Session[] } {
  if (answer === null) return { sessions: [], recorded: [] };
  const packed = Array.isArray(answer) ? pairs(answer) : [[deviceId, answer] as const];
  const found: { sessions: Session[]; recorded: Session[] } = { sessions: [], recorded: [] };
  for (const [device, buffer] of packed) {
    // The field '' of a user counts the devices that are online.
    if (device === '') continue;
    const record = unpackRecord(device, buffer);
    const lease = leases.of(record.serverAddr);
    const session = readRecord(record, lease, now, retentionMs);
    if (session) found.sessions.push(session);
    if (record.online) found.recorded.push(session?.online ? session : toSession(record, lease));
  }
  return found;
}

/** The sessions in an answer of list.lua that are online: user, device and packed session of each. */
export function readListed(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  const found: UserSession[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const [userId, deviceId] = [String(flat[i]), String(flat[i + 1])];
    const [session] = readSessions(flat[i + 2] as Buffer | null, deviceId, context).sessions;
    if (session?.online) found.push({ userId, session });
  }
  return found;
}

/**
 * The sessions that the records show as online, whatever has run out since: as the ledger has them. `flat` is user, device and
 * packed session of each; `leases` as scripts give them.
 */
export function readRecorded(flat: (Buffer | null)[], leases: Buffer[]): UserSession[] {
  const known = new Leases(leases);
  const found: UserSession[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const packed = flat[i + 2];
    if (!packed) continue;
    const record = unpackRecord(String(flat[i + 1]), packed);
    if (record.online)
      found.push({ userId: String(flat[i]), session: toSession(record, known.of(record.serverAddr)) });
  }
  return found;
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
