import { decideLogin, keepsAll } from '../../presence/policy.js';
import type { SessionRecord } from '../../presence/record.js';
import { type LoginRejection, type LoginTrial, MAX_NAMED } from '../../presence/sessions.js';
import { countedSessions, hasRoom } from './devices.js';
import { toReadable } from './read.js';
import type { WriteTransaction } from './WriteTransaction.js';

/** What the policy of a login has decided. */
export interface StoreDecision {
  /** The sessions that the login ends. */
  ended: SessionRecord[];
  /** How many others last beside it. */
  left: number;
  rejection: LoginRejection | undefined;
}

/** What the policy of a login decides; undefined if it keeps all sessions. */
export function decide(tx: WriteTransaction, login: LoginTrial): StoreDecision | undefined {
  const { userId, deviceId, platform, policy } = login;
  if (keepsAll(policy)) return undefined;
  const others = countedSessions(tx, userId, deviceId);
  const { ended, rejection } = decideLogin(policy, platform, others);
  const left = others.length - ended.length;
  if (rejection === undefined) return { ended, left, rejection };
  const { limit, conflicts } = rejection;
  const shown = conflicts
    .slice(0, MAX_NAMED)
    .flatMap((record) => toReadable(tx, { ...record, metadata: {} }) ?? []);
  const conflictsOmitted = conflicts.length - shown.length;
  return { ended, left, rejection: { limit, conflicts: shown, conflictsOmitted } };
}

/** Whether the device of a login fits beside the other devices of the user that stay online. */
export function fits(tx: WriteTransaction, userId: string, decision: StoreDecision | undefined): boolean {
  return decision ? decision.left < tx.options.maxDevices : hasRoom(tx, userId);
}
