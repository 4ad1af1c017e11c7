import { createHmac, randomBytes } from 'node:crypto';

const KEY_BYTES = 32;
const HASH_BYTES = 16;

/** Creates the secret of a store from which its pseudonyms are made, in hexadecimal digits. */
export function newPseudonymKey(): string {
  return randomBytes(KEY_BYTES).toString('hex');
}

/** What stands for a user who was erased: always the same, and of no use without the key. */
export function makePseudonym(key: string, userId: string): string {
  const hash = createHmac('sha256', Buffer.from(key, 'hex')).update(userId).digest();
  return `erased:${hash.subarray(0, HASH_BYTES).toString('hex')}`;
}
