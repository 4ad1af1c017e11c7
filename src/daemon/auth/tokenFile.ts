import { createHash, randomBytes } from 'node:crypto';
import { type Grant, parseRecords, readGrant, readText } from './records.js';

/** A token, as listed in its file. */
export interface TokenEntry extends Grant {
  /** Names the token, for people and the log. */
  id: string;
  /** SHA-256 of the token, in hex. */
  sha256: string;
  /** When it was created, ISO 8601. */
  created: string;
}

const KEYS = ['id', 'sha256', 'role', 'servers', 'created'];
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Distinguishes a token from a JWT, and lets secret scanners find leaked tokens. */
export const TOKEN_PREFIX = 'imstate_';
const TOKEN_BYTES = 32;

/** The rule for the ID of a token. */
export const TOKEN_ID_RULE = '1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first';

/** True if the text may be the ID of a token. */
export function isTokenId(text: string): boolean {
  return ID.test(text);
}

/** Creates a token: 256 random bits after the prefix. */
export function makeToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

/**
 * The hash under which a token is listed. A slow hash, as for passwords, would not protect it better: nobody
 * can try 2^256 tokens, however fast the hash is. It would let callers with invalid tokens use much of the
 * time of the daemon.
 */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Parses a file of tokens. Throws an Error that names the line and the rule. */
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
