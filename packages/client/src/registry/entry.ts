import { withBrackets } from '../shared/address.js';
import type { Endpoint } from './discovery.js';

/**
 * The value of an entry, as etcd's Go client writes it (client/v3/naming/endpoints), without spaces and
 * newlines. Go clients read it too.
 */
export function formatEntry(addr: string): string {
  return JSON.stringify({ Op: 0, Addr: addr, Metadata: null });
}

/**
 * Reads the value of an entry as the Go client does: field names in any case; Op and Metadata may be missing,
 * and unknown fields are ignored. Returns the broken rule if the entry cannot be used.
 */
export function parseEntry(value: string): Endpoint | { broken: string } {
  let entry: unknown;
  try {
    entry = JSON.parse(value);
  } catch {
    return { broken: 'it is not JSON' };
  }
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return { broken: 'it is not a JSON object' };
  const { op, addr, metadata } = fieldsOf(entry);
  if (op !== undefined && op !== null && !isUint8(op))
    return { broken: 'Op must be an integer from 0 to 255' };
  if (typeof addr !== 'string' || addr === '') return { broken: 'Addr must be a string that is not empty' };
  return { addr: withBrackets(addr), metadata: metadata ?? null };
}

function fieldsOf(entry: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name.toLowerCase(), value]));
}

function isUint8(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

/** One endpoint per address, in order of address. */
export function sortEndpoints(endpoints: Iterable<Endpoint>): Endpoint[] {
  const byAddr = new Map([...endpoints].map((endpoint) => [endpoint.addr, endpoint]));
  return [...byAddr.values()].sort((a, b) => (a.addr < b.addr ? -1 : 1));
}

/** True if both lists, in order, have the same addresses. */
export function sameEndpoints(a: Endpoint[], b: Endpoint[]): boolean {
  return a.length === b.length && a.every(({ addr }, i) => addr === b[i]?.addr);
}
