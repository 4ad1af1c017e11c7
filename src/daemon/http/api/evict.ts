import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { broken, checkId, checkServerName } from '../../../presence/validate.js';
import { identityOf } from '../../auth/identity.js';
import { Evictions } from '../../observability/evictions.js';
import type { EvictTarget } from '../../presence.js';
import type { ApiCall, ApiParts } from './apiCall.js';

const KEYS = ['serverAddr', 'userId', 'deviceId', 'sessionId'];

/** POST /api/v1/evict: ends sessions. `more` is true if the chat server has more of them. */
export function evictCall({ presence, log }: ApiParts): ApiCall {
  const evictions = new Evictions(presence, log);
  return {
    method: 'POST',
    name: 'evict',
    role: 'admin',
    parameters: [],
    async answer(_, { request, peer, caller, about, body }) {
      const target = readTarget(parse(await body()));
      if (!('serverAddr' in target)) about('session' in target ? target.session : target);
      const by = {
        method: '/imstate.http/evict',
        caller: identityOf(caller?.name, certificateOf(request)),
        peer,
      };
      return evictions.evict(target, by);
    },
  };
}

/** The client certificate that TLS has verified. */
function certificateOf({ socket }: IncomingMessage): PeerCertificate | undefined {
  const secure = socket as TLSSocket;
  return secure.authorized ? secure.getPeerCertificate() : undefined;
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
function readTarget(body: Record<string, unknown>): EvictTarget {
  const other = Object.keys(body).find((key) => !KEYS.includes(key));
  if (other !== undefined)
    throw invalid(`${JSON.stringify(other)} is not a key of the body: use ${KEYS.join(', ')}`, other);
  for (const [key, value] of Object.entries(body)) {
    if (typeof value !== 'string') throw broken(key, 'must be a string');
  }
  const { serverAddr, userId, deviceId, sessionId } = body as Record<string, string | undefined>;
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
  if (deviceId === undefined || sessionId === undefined)
    throw invalid(
      'deviceId and sessionId must be given together: they name one session',
      deviceId === undefined ? 'deviceId' : 'sessionId',
    );
  checkId('deviceId', deviceId);
  checkId('sessionId', sessionId);
  return { session: { userId: userId as string, deviceId, sessionId } };
}

function invalid(message: string, field?: string): ImstateError {
  return new ImstateError('INVALID_ARGUMENT', message, { field });
}
