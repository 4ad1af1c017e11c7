import type { PresenceServiceHandlers } from 'imstate-client/internal/generated/imstate/v1/PresenceService';
import { checkId } from '../../presence/validate.js';
import { toAuditRecord } from '../messages/auditResponse.js';
import { toChange, toDevice, toHistoryEntry } from '../messages/responses.js';
import type { UserData } from '../userData.js';
import type { Calls } from './calls.js';

/** The calls that export and erase what is kept of a user. */
export function userDataCalls(
  userData: UserData,
  calls: Calls,
): Pick<PresenceServiceHandlers, 'ExportUser' | 'EraseUser'> {
  return {
    ExportUser: calls.handler(async ({ userId, pageToken }, call) => {
      checkId('user_id', userId);
      const page = await userData.export(userId, pageToken || undefined, call.getPeer());
      return {
        devices: page.devices.map((session) => toDevice(session, true)),
        history: page.history.map(toHistoryEntry),
        changes: page.changes.map((change) => toChange(change, { changeId: '', revision: '' })),
        audit: page.audit.map(toAuditRecord),
        nextPageToken: page.next ?? '',
      };
    }),

    EraseUser: calls.handler(async ({ userId }, call) => {
      checkId('user_id', userId);
      const erased = await userData.erase(userId, call.getPeer());
      return {
        sessionsEnded: erased.sessionsEnded,
        recordsErased: erased.records,
        changesErased: erased.changes,
        auditRecordsRewritten: erased.auditRecords,
        entriesLeft: erased.left,
        devicesOnline: erased.devicesOnline,
      };
    }),
  };
}
