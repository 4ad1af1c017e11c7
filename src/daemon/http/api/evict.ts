import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken, checkId, checkReasonText, checkServerName } from '../../../presence/validate.js';
import type { DeviceRef, EvictTarget } from '../../presence.js';
import type { ApiCall, ApiParts } from './apiCall.js';

const KEYS = ['serverAddr', 'userId', 'deviceId', 'sessionId', 'reason'];

/** POST /api/v1/evict: ends sessions. `more` is true if the chat server has more of them. */
export function evictCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'evict',
    role: 'admin',
    parameters: [],
    async answer(_, { peer, about, body }) {
      const { reason: reasonText = '', ...words } = readKeys(parse(await body()));
      const target = readTarget(words);
      checkReasonText('reason', reasonText);
      about(subjectOf(target));
      return presence.evict(target, reasonText, peer);
    },
  };
}

function parse(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid('the body must be a JSON object, such as {"userId":"alice"}');
}

/**
 * An unknown key, or a value that is no string, is rejected: it may have been meant to end fewer sessions.
 */
function readKeys(body: Record<string, unknown>): Record<string, string | undefined> {
  const other = Object.keys(body).find((key) => !KEYS.includes(key));
  if (other !== undefined)
    throw invalid(`${JSON.stringify(other)} is not a key of the body: use ${KEYS.join(', ')}`, other);
  for (const [key, value] of Object.entries(body)) {
    if (typeof value !== 'string') throw broken(key, 'must be a string');
  }
  return body as Record<string, string | undefined>;
}

function readTarget(words: Record<string, string | undefined>): EvictTarget {
  const { serverAddr, userId, deviceId, sessionId } = words;
  if ((serverAddr === undefined) === (userId === undefined))
    throw invalid('the body must have one of serverAddr and userId');
  if (serverAddr !== undefined) {
    if (deviceId !== undefined || sessionId !== undefined)
      throw invalid('deviceId and sessionId must be together with userId', 'userId');
    checkServerName('serverAddr', serverAddr);
    return { serverAddr };
  }
  checkId('userId', userId as string);
  if (deviceId === undefined && sessionId === undefined) return { userId: userId as string };
  if (deviceId === undefined) throw invalid('sessionId needs the deviceId of the session', 'deviceId');
  checkId('deviceId', deviceId);
  if (sessionId === undefined) return { device: { userId: userId as string, deviceId } };
  checkId('sessionId', sessionId);
  return { session: { userId: userId as string, deviceId, sessionId } };
}

/** Which device the log and the traces name; of a chat server none. */
function subjectOf(target: EvictTarget): Partial<DeviceRef> {
  if ('serverAddr' in target) return {};
  if ('device' in target) return target.device;
  return 'session' in target ? target.session : target;
}

function invalid(message: string, field?: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', message, { field });
}
