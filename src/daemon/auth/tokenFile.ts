import { createHash, randomBytes } from 'node:crypto';
import { type Grant, parseRecords, readGrant, readText } from './records.js';

/** A token as its file lists it. */
export interface TokenEntry extends Grant {
  /** Names the token, for people and the log. */
  id: string;
  /** SHA-256 of the token, in hex. */
  sha256: string;
  /** When it was made, ISO 8601. */
  created: string;
}

const KEYS = ['id', 'sha256', 'role', 'servers', 'created'];
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Tells a token from a JWT, and lets scanners find tokens in places where none should be. */
export const TOKEN_PREFIX = 'imstate_';
const TOKEN_BYTES = 32;

/** The rule of a token's id. */
export const TOKEN_ID_RULE = '1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first';

/** True if the text may be the id of a token. */
export function isTokenId(text: string): boolean {
  return ID.test(text);
}

/** Makes a token: 256 random bits behind the prefix. */
export function makeToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

/**
 * The hash under which a token is listed. A slow hash, as passwords need it, would protect nothing more: it makes guessing dear
 * where there are few to guess from, and nobody tries 2^256 tokens however fast the hash is. And whoever sends nonsense would
 * buy much of the daemon's time with it.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Reads a file of tokens; throws an Error that names the line and the rule. */
export function parseTokens(text: string): TokenEntry[] {
  const ids = new Set<string>();
  const hashes = new Set<string>();
  return parseRecords(text, KEYS, (record) => {
    const entry = {
      id: readText(record, 'id', ID, TOKEN_ID_RULE),
      sha256: readText(record, 'sha256', /^[0-9a-f]{64}$/, 'a SHA-256 in 64 lower-case hex digits'),
      ...readGrant(record),
      created: readText(
        record,
        'created',
        /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
        'a time such as 2026-11-23T08:00:00Z',
      ),
    };
    if (ids.has(entry.id)) throw new Error(`id must be of one token; "${entry.id}" is there twice`);
    if (hashes.has(entry.sha256)) throw new Error('sha256 must be of one token; this one is there twice');
    ids.add(entry.id);
    hashes.add(entry.sha256);
    return entry;
  });
}

/** A line of a file of tokens. */
export function formatToken({ id, sha256, role, serverAddrs, created }: TokenEntry): string {
  return JSON.stringify({ id, sha256, role, ...(serverAddrs && { servers: serverAddrs }), created });
}
