import type { Client, EvictRequest } from 'imstate-client';
import { count } from '../output/count.js';
import { REASON_IGNORED } from '../output/ignoredFields.js';
import type { Batch, BatchSource } from './batch.js';
import { type Evicted, evictAll, evictedJson, nameOf } from './eviction.js';
import { broken, parseObject, readText } from './record.js';

const KEYS = ['userId', 'deviceId', 'sessionId', 'serverAddr', 'reason'] as const;

/** The evictions of a file, a JSON object per line. `reasonText` is for records without a reason. */
export function evictBatch(
  source: BatchSource,
  reasonText: string | undefined,
  client: Client,
): Batch<EvictRequest, Evicted> {
  return {
    ...source,
    keys: KEYS,
    read: (text) => readEviction(text, reasonText),
    keyOf: nameOf,
    call: (request, options) => evictAll(client, request, options),
    effectOf: ({ evicted }) => (evicted > 0 ? 'changed' : 'unchanged'),
    ignored: (_, { reasonStored }) => (reasonStored === false ? [REASON_IGNORED] : []),
    describe: (request, { evicted }) => `${nameOf(request)}: ${count(evicted, 'session')}`,
    toJson: ({ reasonText: _, ...target }, result) => ({ ...target, ...evictedJson(result) }),
    summarize: ({ changed, unchanged, failed }) =>
      `${changed} evicted, ${unchanged} had no session, ${failed} failed`,
  };
}

/** The eviction in a line. Throws INVALID_ARGUMENT. */
function readEviction(text: string, reasonText: string | undefined): EvictRequest {
  const words: Partial<Record<(typeof KEYS)[number], string>> = {};
  for (const [key, value] of Object.entries(parseObject(text, '{"userId":"alice"}'))) {
    const known = KEYS.find((each) => each === key);
    if (known === undefined)
      throw broken(`"${key}" is not a key of a record: the keys are ${KEYS.join(', ')}`, key);
    if (value !== null) words[known] = readText(value, key);
  }
  const empty = KEYS.find((key) => key !== 'reason' && words[key] === '');
  if (empty !== undefined) throw broken(`${empty} must not be empty`, empty);
  const { userId, deviceId, sessionId, serverAddr, reason = reasonText } = words;
  const why = reason === undefined ? {} : { reasonText: reason };
  if ((userId === undefined) === (serverAddr === undefined))
    throw broken('a record must have one of userId and serverAddr', 'userId');
  if (userId === undefined) {
    if (deviceId !== undefined || sessionId !== undefined)
      throw broken('deviceId and sessionId need userId', 'userId');
    return { serverAddr: serverAddr as string, ...why };
  }
  if (deviceId === undefined) {
    if (sessionId !== undefined) throw broken('sessionId needs the deviceId of the session', 'deviceId');
    return { userId, ...why };
  }
  if (sessionId === undefined) return { device: { userId, deviceId }, ...why };
  return { session: { userId, deviceId, sessionId }, ...why };
}
