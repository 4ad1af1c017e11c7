import type { ServerPage, ServersPage } from '../../presence/listings.js';
import { readLease } from '../../presence/rules.js';
import type { ChatServer } from '../../presence/servers.js';
import { inByteOrder } from '../byteOrder.js';
import { formatPageToken, parsePageToken } from '../pageToken.js';
import type { Tables } from './tables.js';

/** See PresenceStore.listServers. */
export function listServers(tables: Tables, { limit, after }: ServerPage): ServersPage {
  const [from] = after === undefined ? [undefined] : parsePageToken(after, ['']);
  const addrs = new Set([...withSessions(tables, from, limit + 1), ...withLease(tables, from, limit + 1)]);
  const sorted = [...addrs].sort(inByteOrder);
  const page = sorted.slice(0, limit);
  const last = sorted.length > limit ? page.at(-1) : undefined;
  return {
    servers: page.map((serverAddr) => readServer(tables, serverAddr)),
    next: last && formatPageToken([last]),
    isPartial: false,
  };
}

function withSessions({ counters }: Tables, from: string | undefined, limit: number): string[] {
  const range = { start: `s:${from ?? ''}`, end: 's;', exclusiveStart: from !== undefined, limit };
  return [...counters.getKeys(range)].map((key) => key.slice(2));
}

function withLease({ leases }: Tables, from: string | undefined, limit: number): string[] {
  return [...leases.getKeys(from === undefined ? { limit } : { start: from, exclusiveStart: true, limit })];
}

function readServer({ counters, leases }: Tables, serverAddr: string): ChatServer {
  const lease = leases.get(serverAddr);
  return {
    serverAddr,
    sessions: counters.get(`s:${serverAddr}`) ?? 0,
    lease: lease && readLease(lease),
  };
}
