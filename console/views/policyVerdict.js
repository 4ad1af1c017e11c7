import { h } from '../core/dom.js';
import { clock, t } from '../core/i18n.js';
import { at, deviceName, note, outside, serverName, userName } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { timedText } from '../core/times.js';
import { limitName } from './policyTexts.js';

const ENDED = [['device'], ['session']];
const CONFLICTS = [['device'], ['session'], ['login', 'time']];

/** What came of a dry run: the verdict as `text`, and the whole as `content`. */
export function verdictOf(decision) {
  const { rejected, replaced } = decision;
  if (rejected) return verdict(decision, 'EVICTED', rejection(decision), conflictTable(decision));
  if (replaced.length === 0) return verdict(decision, 'online', t('trial.keeps'));
  const text = t('trial.ends', { count: replaced.length });
  return verdict(decision, 'EXPIRED', text, endedTable(decision));
}

/** The tone is the state of sessions whose colour the verdict has. */
function verdict(decision, tone, text, sessions) {
  const content = [
    h('p', { class: `badge piece ${tone}` }, text),
    h('dl', { class: 'facts' }, factsOf(decision).map(factOf)),
    sessions,
    asOf(new Date()),
  ];
  return { text, content };
}

function rejection({ limit, conflicts, conflictsOmitted = 0 }) {
  const count = conflicts.length + conflictsOmitted;
  return t('trial.rejected', { limit: limitName(limit), count });
}

function factsOf({ userId, platform, deviceId, policy, class: className }) {
  return [
    ['user', userName(userId)],
    ['platform', platform === null ? t('platforms.unnamed') : outside(platform)],
    ['device', deviceId === null ? t('trial.newDevice') : outside(deviceId)],
    ['policy', policy],
    ...(className === null ? [] : [['class', className]]),
  ];
}

function factOf([name, content]) {
  return [h('dt', {}, t(`column.${name}`)), h('dd', {}, content)];
}

function endedTable({ replaced }) {
  const rows = replaced.map((session) => row(ENDED, {}, deviceName(session), whereOf(session)));
  return table(t('trial.ended'), ENDED, rows);
}

function conflictTable({ conflicts, conflictsOmitted }) {
  const rows = conflicts.map((device) =>
    row(CONFLICTS, {}, deviceName(device), whereOf(device), at(device.loginTime)),
  );
  return [
    table(t('trial.conflicts'), CONFLICTS, rows),
    conflictsOmitted > 0 && note(t('trial.omitted', { count: conflictsOmitted })),
  ];
}

function whereOf({ serverAddr, sessionId }) {
  return serverName(serverAddr, sessionId && h('span', { class: 'under code' }, sessionId));
}

function asOf(time) {
  return h(
    'p',
    { class: 'small' },
    timedText(() => t('trial.asOf', { time: clock(time) })),
  );
}
