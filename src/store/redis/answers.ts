import { END_REASONS, unpackRecord } from '../record.js';
import { type LeaseRecord, readRecord } from '../rules.js';
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

/** The sessions that readers may see, of a device (packed or null) or of a user (device, packed, …). */
export function readSessions(
  answer: Buffer | null | Buffer[],
  deviceId: string,
  { now, leases, retentionMs }: ReadingContext,
): Session[] {
  if (answer === null) return [];
  const packed = Array.isArray(answer) ? pairs(answer) : [[deviceId, answer] as const];
  // The field '' of a user counts the devices that are online.
  return packed
    .filter(([device]) => device !== '')
    .flatMap(([device, buffer]) => {
      const record = unpackRecord(device, buffer);
      return readRecord(record, leases.of(record.serverAddr), now, retentionMs) ?? [];
    });
}

/** The sessions in an answer of list.lua that are online: user, device and packed session of each. */
export function readListed(flat: (Buffer | null)[], context: ReadingContext): UserSession[] {
  const found: UserSession[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const [userId, deviceId] = [String(flat[i]), String(flat[i + 1])];
    const [session] = readSessions(flat[i + 2] as Buffer | null, deviceId, context);
    if (session?.online) found.push({ userId, session });
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
