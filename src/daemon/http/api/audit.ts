import { readAuditRecord } from 'imstate-client/internal/calls/audit';
import { auditRecordJson } from 'imstate-client/internal/json';
import { auditOutcomes } from 'imstate-client/internal/wire/enums';
import { broken, checkOptionalId } from '../../../presence/validate.js';
import { toAuditRecord } from '../../messages/auditResponse.js';
import type { ApiCall, ApiParts } from './apiCall.js';
import type { Parameters } from './parameters.js';

/** GET /api/v1/audit: a page of what `imstate audit --json` prints. */
export function auditCall({ presence }: ApiParts): ApiCall {
  return {
    method: 'GET',
    name: 'audit',
    role: 'admin',
    parameters: ['since', 'identity', 'action', 'userId', 'outcome', 'pageSize', 'pageToken'],
    async answer(parameters) {
      const userId = parameters.text('userId');
      checkOptionalId('userId', userId);
      const { records, next } = await presence.audit({
        sinceMs: timeIn(parameters),
        identity: parameters.text('identity') || undefined,
        action: parameters.text('action') || undefined,
        userId: userId || undefined,
        outcome: outcomeIn(parameters),
        ...parameters.page(),
      });
      return {
        records: records.map((record) => auditRecordJson(readAuditRecord(toAuditRecord(record)))),
        nextPageToken: next ?? null,
      };
    },
  };
}

function timeIn(parameters: Parameters): number | undefined {
  const text = parameters.text('since');
  if (text === '') return undefined;
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw broken('since', 'must be a time in ISO 8601, such as 2026-11-23T06:01:48Z');
}

function outcomeIn(parameters: Parameters) {
  const text = parameters.text('outcome');
  return text === '' ? undefined : auditOutcomes.parse('outcome', text);
}
