import { isHostPort } from 'imstate-client/internal/shared/address';
import { ROLES, type Role } from './roles.js';

/** What a line of a file grants. */
export interface Grant {
  role: Role;
  /** The chat servers to which a writer is bound; undefined for any. */
  serverAddrs: string[] | undefined;
}

type Json = Record<string, unknown>;

/**
 * Parses a text with one JSON object per line. Blank lines and lines that begin with # are skipped. An
 * unknown key is an error: a misspelled "servers" would bind nobody. Throws an Error that names the line and
 * the rule, and nothing of the line, which may be a secret.
 */
export function parseRecords<T>(text: string, keys: string[], read: (record: Json) => T): T[] {
  return text.split('\n').flatMap((line, i) => {
    if (/^\s*(#|$)/.test(line)) return [];
    try {
      return [read(parseRecord(line, keys))];
    } catch (error) {
      throw new Error(`line ${i + 1}: ${(error as Error).message}`);
    }
  });
}

function parseRecord(line: string, keys: string[]): Json {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    // The message of the parser would show a part of the line.
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new Error('it must be a JSON object');
  }
  if (Object.keys(record).some((key) => !keys.includes(key))) {
    throw new Error(`it may have ${keys.join(', ')}, and no other key`);
  }
  return record as Json;
}

/** Reads the role of a record, and the chat servers to which it is bound. */
export function readGrant({ role, servers }: Json): Grant {
  const known = ROLES.find((each) => each === role);
  if (known === undefined) throw new Error(`role must be one of ${ROLES.join(', ')}`);
  if (servers === undefined) return { role: known, serverAddrs: undefined };
  return { role: known, serverAddrs: checkServers(known, servers) };
}

/** Checks the chat servers to which a role is bound, and returns them. */
export function checkServers(role: Role, servers: unknown): string[] {
  if (role !== 'writer') throw new Error('servers may only be with the role writer');
  const isList = Array.isArray(servers) && servers.length > 0;
  if (isList && servers.every((addr) => typeof addr === 'string' && isHostPort(addr))) return servers;
  throw new Error('servers must be a list of HOST:PORT, such as ["10.0.0.1:9000"]');
}

/** Checks that a field of a record is a string, and returns it. */
export function readText(record: Json, key: string, pattern: RegExp, rule: string): string {
  const value = record[key];
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new Error(`${key} must be ${rule}`);
}
