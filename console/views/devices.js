import { h } from '../core/dom.js';
import { duration, fullTime, t } from '../core/i18n.js';
import { badge, deviceName, line, reasonName, serverName, since } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { timedText } from '../core/times.js';
import { evictButton } from './evict.js';

const COLUMNS = [['device'], ['state', 'state'], ['session'], ['since', 'time'], ['more', 'actions']];

/** The devices of a user; each row expands to an explanation. `opened` has the IDs of expanded devices. */
export function deviceTable({ userId, devices }, opened, onEvicted) {
  const rows = devices.map((device) => rowsOf(userId, device, opened, onEvicted));
  return table(t('user.devices'), COLUMNS, rows, { kind: 'fixed' });
}

function rowsOf(userId, device, opened, onDone) {
  const { deviceId, label, online, serverAddr, sessionId, loginTime, logoutTime } = device;
  const detail = h(
    'tr',
    { class: 'detail', hidden: !opened.has(deviceId) },
    h('td', { colspan: COLUMNS.length }, why(device)),
  );
  const toggle = () => {
    detail.hidden = !detail.hidden;
    button.setAttribute('aria-expanded', String(!detail.hidden));
    if (detail.hidden) opened.delete(deviceId);
    else opened.add(deviceId);
  };
  const button = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      'data-key': `why ${deviceId}`,
      'aria-expanded': String(opened.has(deviceId)),
      on: { click: toggle },
    },
    t('why.button'),
  );
  const name = `${userId}/${deviceId}`;
  const evict = online && evictButton({ userId, deviceId }, { name, label, count: 1, onDone });
  const session = sessionId && h('span', { class: 'under code' }, sessionId);
  const cells = [
    deviceName(device),
    badge(online, device),
    serverName(serverAddr, session),
    since(online ? loginTime : logoutTime),
    [button, evict],
  ];
  return [row(COLUMNS, { key: `device ${deviceId}`, open: toggle }, ...cells), detail];
}

/** Explains the state of a device: a sentence, and the relevant facts. */
function why(device) {
  return [h('p', {}, sentence(device)), h('dl', { class: 'facts' }, facts(device).map(fact))];
}

function sentence({ online, reason, explanation }) {
  if (!online) return t('why.offline', { reason: reason ? reasonName(reason) : t('why.unknown') });
  return explanation.graceEndTime === null ? t('why.online') : t('why.grace');
}

function fact([name, text]) {
  return [h('dt', {}, t(`fact.${name}`)), h('dd', {}, text)];
}

function facts(device) {
  const { online, loginTime, lastSeen, appVersion, clientIp, metadata } = device;
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return [
    ['login', time(loginTime)],
    ['lastSeen', time(lastSeen)],
    ...(online ? factsOfOnline(device.explanation) : factsOfOffline(device)),
    ...(appVersion === null ? [] : [['appVersion', line([appVersion])]]),
    ...(clientIp === null ? [] : [['clientIp', clientIp]]),
    ...(pairs.length > 0 ? [['metadata', line(pairs, ', ')]] : []),
  ];
}

function factsOfOffline({ logoutTime, explanation }) {
  return [
    ['ended', time(logoutTime)],
    ['removed', time(explanation.forgetTime)],
  ];
}

function factsOfOnline({ ttlMs, expireTime, graceEndTime, lease }) {
  const ttl = () => t('why.ttl', { duration: duration(ttlMs), time: timeText(expireTime) });
  return [
    ['ttl', ttlMs === null ? t('why.noTtl') : timedText(ttl)],
    ...(graceEndTime === null ? [] : [['grace', time(graceEndTime)]]),
    ['lease', lease === null ? t('why.noLease') : leaseFact(lease)],
  ];
}

function leaseFact({ state, ttlMs, expireTime, incarnation }) {
  return timedText(() =>
    t('why.lease', {
      state: t(`lease.${state}`),
      duration: duration(ttlMs),
      time: timeText(expireTime),
      incarnation: String(incarnation),
    }),
  );
}

function time(iso) {
  return timedText(() => timeText(iso));
}

function timeText(iso) {
  return iso === null ? '–' : fullTime(new Date(iso));
}
