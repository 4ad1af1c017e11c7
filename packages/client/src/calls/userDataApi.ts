import type { Channel } from '../connection/channel.js';
import type { EraseUserResponse__Output } from '../generated/imstate/v1/EraseUserResponse.js';
import type { ExportUserResponse__Output } from '../generated/imstate/v1/ExportUserResponse.js';
import { readChange } from '../watch/readWatch.js';
import { readAuditRecord } from './audit.js';
import type { CallOptions } from './messages.js';
import type { PresenceApi } from './presenceApi.js';
import { readDevice, readHistoryEntry } from './readDevice.js';
import type { UserExport } from './userData.js';

/** An erasure waits for watches, and reads the change log twice. */
const ERASE_TIMEOUT_MS = 120_000;

/** The calls of imstate.v1.PresenceService that export and erase a user. */
export function userDataApi(channel: Channel): Pick<PresenceApi, 'exportUser' | 'eraseUser'> {
  const { presenceService } = channel;
  return {
    async exportUser(userId, options) {
      const user: UserExport = { userId, devices: [], history: [], changes: [], audit: [] };
      let pageToken = '';
      do {
        const page = await readPage(channel, { userId, pageToken }, options);
        user.devices.push(...page.devices.map(readDevice));
        user.history.push(...page.history.map(readHistoryEntry));
        user.changes.push(...page.changes.map(readChange));
        user.audit.push(...page.audit.map(readAuditRecord));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return user;
    },

    async eraseUser(userId, options) {
      const { timeoutMs = ERASE_TIMEOUT_MS, ...others } = options ?? {};
      const answer = await channel.callPresence<EraseUserResponse__Output>(
        (grpcOptions, done) => presenceService.EraseUser({ userId }, grpcOptions, done),
        { timeoutMs, ...others },
      );
      return {
        sessionsEnded: answer.sessionsEnded,
        recordsErased: answer.recordsErased,
        changesErased: answer.changesErased,
        auditRecordsRewritten: answer.auditRecordsRewritten,
        entriesLeft: answer.entriesLeft,
        devicesOnline: answer.devicesOnline,
      };
    },
  };
}

function readPage(
  channel: Channel,
  request: { userId: string; pageToken: string },
  options: CallOptions | undefined,
): Promise<ExportUserResponse__Output> {
  return channel.callPresence<ExportUserResponse__Output>(
    (grpcOptions, done) => channel.presenceService.ExportUser(request, grpcOptions, done),
    options,
    true,
  );
}
