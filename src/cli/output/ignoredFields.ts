import type { OnlineRequest, OnlineResult } from 'imstate-client';
import { isPolicyIgnored } from 'imstate-client/internal/calls/loginPolicy';

/** What commands say if a daemon ignored fields that it does not know. */
const DETAILS_IGNORED =
  'warning: a daemon is older than 0.2.0 and ignored --client-ip, --label and --app-version: update it';
export const REASON_IGNORED = 'warning: a daemon is older than 0.2.0 and ignored the reason: update it';
const POLICY_IGNORED =
  'warning: a daemon is older than 0.2.0 and ignored --policy: it ended no session and rejected nothing; update it';

/** What a daemon ignored of a login. */
export function ignoredOfLogin(request: OnlineRequest, result: OnlineResult): string[] {
  if (result.endReason !== undefined) return [];
  return [
    ...(result.detailsStored === false ? [DETAILS_IGNORED] : []),
    ...(isPolicyIgnored(request, result) ? [POLICY_IGNORED] : []),
  ];
}
