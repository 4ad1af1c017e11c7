import { withBrackets } from '../shared/address.js';
import type { Endpoint } from './discovery.js';

/**
 * The value of an entry, in the shape of etcd's Go client (client/v3/naming/endpoints): no space, no newline.
 * An entry is written once and read by everyone's Go and Node.js clients.
 */
export function formatEntry(addr: string): string {
  return JSON.stringify({ Op: 0, Addr: addr, Metadata: null });
}

/**
 * Reads the value of an entry as Go's client does: names of fields in any case, a missing Op or Metadata and
 * unknown fields are fine. Returns the rule that was broken if the entry cannot be used.
 */
export function parseEntry(value: string): Endpoint | { broken: string } {
  let entry: unknown;
  try {
    entry = JSON.parse(value);
  } catch {
    return { broken: 'it is not JSON' };
  }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return { broken: 'it is no JSON object' };
  const { op, addr, metadata } = fieldsOf(entry);
  if (op !== undefined && op !== null && !isUint8(op))
    return { broken: 'Op must be a whole number from 0 to 255' };
  if (typeof addr !== 'string' || addr === '') return { broken: 'Addr must be a string that is not empty' };
  return { addr: withBrackets(addr), metadata: metadata ?? null };
}

function fieldsOf(entry: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name.toLowerCase(), value]));
}

function isUint8(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

/** One endpoint an address, ordered by address. */
export function sortEndpoints(endpoints: Iterable<Endpoint>): Endpoint[] {
  const byAddr = new Map([...endpoints].map((endpoint) => [endpoint.addr, endpoint]));
  return [...byAddr.values()].sort((a, b) => (a.addr < b.addr ? -1 : 1));
}

/** True if both lists name the same addresses; both are ordered. */
export function sameEndpoints(a: Endpoint[], b: Endpoint[]): boolean {
  return a.length === b.length && a.every(({ addr }, i) => addr === b[i]?.addr);
}
