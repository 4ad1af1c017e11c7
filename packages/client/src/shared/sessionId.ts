import { randomFillSync } from 'node:crypto';

const SESSION_ID_BYTES = 12;
/** Random bytes for the next session IDs, drawn for many at once: the system call is the expensive part. */
const pool = Buffer.alloc(SESSION_ID_BYTES * 256);
let used = pool.length;

/**
 * 96 random bits: no two sessions of a cluster share an ID. No ID begins with a dash, which a command line
 * would take for a flag.
 */
export function makeSessionId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += SESSION_ID_BYTES;
  const id = pool.toString('base64url', used - SESSION_ID_BYTES, used);
  return id.charCodeAt(0) === DASH ? makeSessionId() : id;
}

const DASH = 0x2d;
