import type { OnlineRequest } from 'imstate-client';
import { parseDuration } from '../flags/durations.js';
import { MAX_INCARNATION, TTL_RULE } from '../flags/loginFlags.js';
import { broken, parseObject, readText, readTexts } from './record.js';

/** How the value of each key of a record is parsed. */
const READERS: Record<string, (value: unknown, key: string) => Partial<OnlineRequest>> = {
  userId: (value, key) => ({ userId: readText(value, key) }),
  deviceId: (value, key) => ({ deviceId: readText(value, key) }),
  serverAddr: (value, key) => ({ serverAddr: readText(value, key) }),
  sessionId: (value, key) => ({ sessionId: readText(value, key) }),
  platform: (value, key) => ({ platform: readText(value, key) }),
  ttl: (value, key) => ({ ttlMs: parseDuration(readText(value, key), key, TTL_RULE) }),
  metadata: (value, key) => ({ metadata: readTexts(value, key) }),
  policy: (value, key) => ({ policy: readText(value, key) }),
  serverIncarnation: (value, key) => ({ serverIncarnation: readIncarnation(value, key) }),
  clientIp: (value, key) => ({ clientIp: readText(value, key) }),
  label: (value, key) => ({ label: readText(value, key) }),
  appVersion: (value, key) => ({ appVersion: readText(value, key) }),
};

const EXAMPLE = '{"userId":"alice","deviceId":"phone"}';

/** The keys of a record. */
export const RECORD_KEYS = Object.keys(READERS);

/**
 * The login in a line of a batch: a JSON object. `defaults` apply to keys that are missing or null. Throws
 * INVALID_ARGUMENT, or WRONG_USAGE for a duration, with the rule that is broken.
 */
export function readRecord(text: string, defaults: Partial<OnlineRequest>): OnlineRequest {
  const login: Partial<OnlineRequest> = { ...defaults };
  for (const [key, value] of Object.entries(parseObject(text, EXAMPLE))) {
    const read = Object.hasOwn(READERS, key) ? READERS[key] : undefined;
    if (read === undefined) {
      throw broken(`"${key}" is not a key of a record: the keys are ${RECORD_KEYS.join(', ')}`, key);
    }
    if (value !== null) Object.assign(login, read(value, key));
  }
  const { userId, deviceId, serverAddr } = login;
  if (userId === undefined) throw broken('userId must be given', 'userId');
  if (deviceId === undefined) throw broken('deviceId must be given', 'deviceId');
  if (serverAddr === undefined)
    throw broken('serverAddr must be given, or --server-addr for all records', 'serverAddr');
  return { ...login, userId, deviceId, serverAddr };
}

function readIncarnation(value: unknown, key: string): number {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_INCARNATION) return Number(value);
  throw broken(`${key} must be an integer from 1 to ${MAX_INCARNATION}`, key);
}
