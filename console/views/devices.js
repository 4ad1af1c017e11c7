import { h } from '../core/dom.js';
import { duration, fullTime, t } from '../core/i18n.js';
import { row } from '../core/keys.js';
import { badge, reasonName, since, table } from '../core/parts.js';
import { evictButton } from './evict.js';

/** The devices of a user; each opens to why it is shown so. `opened` has the ids of those that are open. */
export function deviceTable({ userId, devices }, opened, onEvicted) {
  const head = ['device', 'state', 'server', 'since', 'more'].map((name) => t(`column.${name}`));
  return table(
    t('user.devices'),
    head,
    devices.map((device) => rowsOf(userId, device, opened, onEvicted)),
  );
}

function rowsOf(userId, device, opened, onEvicted) {
  const { deviceId, online, platform, serverAddr, sessionId, reason, loginTime, logoutTime } = device;
  const detail = h(
    'tr',
    { class: 'detail', hidden: !opened.has(deviceId) },
    h('td', { colspan: 5 }, why(device)),
  );
  const button = h(
    'button',
    {
      type: 'button',
      class: 'quiet',
      'aria-expanded': String(opened.has(deviceId)),
      on: { click: () => toggle() },
    },
    t('why.button'),
  );
  const toggle = () => {
    detail.hidden = !detail.hidden;
    button.setAttribute('aria-expanded', String(!detail.hidden));
    if (detail.hidden) opened.delete(deviceId);
    else opened.add(deviceId);
  };
  const session = { userId, deviceId, sessionId };
  const evict = online && sessionId !== null && evictButton(session, `${userId}/${deviceId}`, 1, onEvicted);
  const cells = [
    h('td', {}, h('span', { class: 'id' }, deviceId), platform && h('span', { class: 'under' }, platform)),
    h('td', {}, badge(online, reason)),
    h(
      'td',
      {},
      h('span', { class: 'code' }, serverAddr),
      sessionId && h('span', { class: 'under code' }, sessionId),
    ),
    h('td', {}, since(online ? loginTime : logoutTime)),
    h('td', { class: 'actions' }, button, evict),
  ];
  return [row({ 'data-key': `device ${deviceId}` }, toggle, ...cells), detail];
}

/** Why a device is shown as it is: a sentence, and what has to do with it. */
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
  const { online, loginTime, lastSeen, logoutTime, metadata, explanation } = device;
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  const all = [
    ['login', time(loginTime)],
    ['lastSeen', time(lastSeen)],
    ...(online
      ? liveFacts(explanation)
      : [
          ['ended', time(logoutTime)],
          ['forgotten', time(explanation.forgetTime)],
        ]),
  ];
  return pairs.length > 0 ? [...all, ['metadata', pairs.join(', ')]] : all;
}

function liveFacts({ ttlMs, expireTime, graceEndTime, lease }) {
  return [
    [
      'ttl',
      ttlMs === null ? t('why.noTtl') : t('why.ttl', { duration: duration(ttlMs), time: time(expireTime) }),
    ],
    ...(graceEndTime === null ? [] : [['grace', time(graceEndTime)]]),
    ['lease', lease === null ? t('why.noLease') : leaseFact(lease)],
  ];
}

function leaseFact({ state, ttlMs, expireTime, incarnation }) {
  const values = { duration: duration(ttlMs), time: time(expireTime), incarnation: String(incarnation) };
  return `${t(`lease.${state}`)}: ${t('why.lease', values)}`;
}

function time(iso) {
  return iso === null ? '–' : fullTime(new Date(iso));
}
