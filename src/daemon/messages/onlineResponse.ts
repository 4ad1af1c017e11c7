import type { OnlineResponse__Output } from 'imstate-client/internal/generated/imstate/v1/OnlineResponse';
import { endReasons } from 'imstate-client/internal/wire/enums';
import { toWireLimit } from 'imstate-client/internal/wire/policy';
import { toTimestamp } from 'imstate-client/internal/wire/timestamp';
import { hasDetails } from '../../presence/details.js';
import { KEEP_ALL } from '../../presence/policyPresets.js';
import type { Login, LoginResult, LoginTrial } from '../../presence/sessions.js';
import { toDevice, toReplaced } from './responses.js';

/** The response to a login, or to the dry run of one. */
export function toOnlineResponse(
  login: LoginTrial & Partial<Pick<Login, 'details'>>,
  { loginTimeMs, replaced, replacedOmitted = 0, endReason, rejection }: LoginResult,
): OnlineResponse__Output {
  return {
    sessionId: login.sessionId,
    loginTime: loginTimeMs > 0 ? toTimestamp(loginTimeMs) : null,
    replaced: replaced.map((session) => toReplaced(login.userId, session)),
    replacedOmitted,
    endReason: endReasons.toWire(rejection ? 'REJECTED' : endReason),
    detailsStored: loginTimeMs > 0 && login.details !== undefined && hasDetails(login.details),
    rejected: rejection !== undefined,
    conflicts: rejection ? rejection.conflicts.map((session) => toDevice(session)) : [],
    conflictsOmitted: rejection?.conflictsOmitted ?? 0,
    limit: rejection ? toWireLimit(rejection.limit) : null,
    policy: login.policy === KEEP_ALL ? '' : login.policy.name,
  };
}
