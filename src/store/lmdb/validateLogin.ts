import { unpackRecord } from '../../presence/record.js';
import { replacedSession, tooManyDevices } from '../../presence/rules.js';
import { type LoginResult, type LoginTrial, MAX_NAMED } from '../../presence/sessions.js';
import { decide, fits } from './decide.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** See PresenceStore.validateLogin. */
export function validateLogin(tx: WriteTransaction, trial: LoginTrial): LoginResult {
  const { userId, deviceId, sessionId } = trial;
  const packed = deviceId === '' ? undefined : tx.tables.records.get([userId, deviceId]);
  const record = packed && unpackRecord(deviceId, packed);
  const before = record?.online && tx.endOf(record) === undefined ? record : undefined;
  const result: LoginResult = { loginTimeMs: 0, replaced: [], endReason: undefined, rejection: undefined };
  if (before?.sessionId === sessionId) return result;
  const decision = decide(tx, trial);
  if (decision?.rejection) return { ...result, rejection: decision.rejection };
  if (!before && !fits(tx, userId, decision)) throw tooManyDevices(tx.options.maxDevices);
  const ended = decision?.ended ?? [];
  const replaced = [...(before ? [before] : []), ...ended.slice(0, MAX_NAMED)].map(replacedSession);
  if (ended.length <= MAX_NAMED) return { ...result, replaced };
  return { ...result, replaced, replacedOmitted: ended.length - MAX_NAMED };
}
