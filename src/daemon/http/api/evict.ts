import { ImstateError } from 'imstate-client/internal/shared/errors';
import { checkId, checkReasonText, checkServerName } from '../../../presence/validate.js';
import type { DeviceRef, EvictTarget } from '../../presence.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import { JsonBody } from './jsonBody.js';

const KEYS = ['serverAddr', 'userId', 'deviceId', 'sessionId', 'reason'];

/** POST /api/v1/evict: ends sessions. `more` is true if the chat server has more of them. */
export function evictCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'POST',
    name: 'evict',
    role: 'admin',
    parameters: [],
    async answer(_, { peer, about, body }) {
      const keys = JsonBody.parse(await body(), KEYS, '{"userId":"alice"}');
      const target = readTarget(keys);
      const reasonText = keys.text('reason');
      checkReasonText('reason', reasonText);
      about(subjectOf(target));
      return presence.evict(target, reasonText, peer);
    },
  };
}

function readTarget(keys: JsonBody): EvictTarget {
  const [serverAddr, userId, deviceId, sessionId] = ['serverAddr', 'userId', 'deviceId', 'sessionId'].map(
    (key) => keys.optionalText(key),
  );
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
