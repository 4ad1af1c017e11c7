import type { AuditRecord } from 'imstate-client';
import { type Cell, colors, renderTable } from './style.js';
import { absoluteTime } from './times.js';

const HEAD = [
  ['Time', 'Source'],
  ['By', 'Role'],
  ['Action', 'Outcome'],
  ['Target', 'Detail'],
];

/** Records of the audit trail as a table. The messages of errors are in the JSON only: they are long. */
export function auditTable(records: readonly AuditRecord[]): string {
  return renderTable(HEAD, records.map(toRow));
}

function toRow(record: AuditRecord): Cell[] {
  const { time, source, via, identity, role, action, code, detail } = record;
  return [
    [time && absoluteTime(time), source ?? via?.toLowerCase()],
    [identity.name, role ?? identity.kind?.toLowerCase()],
    [action, outcomeOf(record)],
    [targetOf(record), [code ?? detail, ...omittedOf(record)].filter(Boolean).join('; ')],
  ];
}

function outcomeOf({ outcome }: AuditRecord): string {
  const { green, red, yellow } = colors();
  const paint = outcome === 'OK' ? green : outcome === 'DENIED' ? yellow : red;
  return paint(outcome?.toLowerCase() ?? '');
}

/** The names of the target; its type where it has none. */
function targetOf({ target }: AuditRecord): string {
  const { type, userId, deviceId, sessionId, serverAddr, name } = target;
  const names = [userId, deviceId, sessionId].filter(Boolean).join('/');
  return names || serverAddr || name || type;
}

function omittedOf({ omitted }: AuditRecord): string[] {
  return omitted > 0 ? [`${omitted} more like this`] : [];
}
