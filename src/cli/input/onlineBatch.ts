import type { CallOptions, OnlineRequest, OnlineResult } from 'imstate-client';
import { loginJson } from 'imstate-client/internal/json';
import { ignoredOfLogin } from '../output/ignoredFields.js';
import { describeLogin } from '../output/onlineReport.js';
import type { Batch, BatchSource } from './batch.js';
import { RECORD_KEYS, readRecord } from './onlineRecord.js';

/** The logins of a file, a JSON object per line. `defaults` apply to fields that a record omits. */
export function onlineBatch(
  source: BatchSource,
  defaults: Partial<OnlineRequest>,
  online: (request: OnlineRequest, options: CallOptions) => Promise<OnlineResult>,
): Batch<OnlineRequest, OnlineResult> {
  return {
    ...source,
    keys: RECORD_KEYS,
    read: (text) => readRecord(text, defaults),
    keyOf: ({ userId }) => userId,
    call: online,
    effectOf: ({ endReason, rejected }) => {
      if (rejected) return 'rejected';
      return endReason === undefined ? 'changed' : 'unchanged';
    },
    ignored: ignoredOfLogin,
    describe: (request, result) => describeLogin(request, result).join('; '),
    toJson: loginJson,
    summarize: ({ changed, unchanged, rejected, failed }) =>
      `${changed} online, ${rejected > 0 ? `${rejected} rejected, ` : ''}${unchanged} unchanged, ${failed} failed`,
  };
}
