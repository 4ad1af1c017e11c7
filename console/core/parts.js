import { hashOf } from './address.js';
import { h } from './dom.js';
import { ago, clock, has, ordered, pieces, t } from './i18n.js';
import { translateMessage } from './messages.js';
import { timeElement } from './times.js';

/** A placeholder for a missing value. */
export function none(text = '–') {
  return h('span', { class: 'none' }, text);
}

/** A relative time that is kept up to date, with the full time as tooltip. */
export function since(iso) {
  if (iso === null || iso === undefined) return none();
  return timeElement(iso, (time) => ago(time), { isAge: true });
}

/** A time of day. */
export function at(iso) {
  if (iso === null || iso === undefined) return none();
  return timeElement(iso, (time) => clock(time));
}

/** A badge that shows by colour, shape and text whether something is online, and why it is not. */
export function badge(online, ended = {}) {
  const { reason } = ended;
  const words = online ? t('state.online') : reason ? endText(ended) : t('state.offline');
  return h('span', { class: `badge ${online ? 'online' : (reason ?? '')}`.trim() }, words);
}

/** How a session ended, with the reason text of an eviction or the login that replaced the session. */
function endText({ reason, reasonText, by }) {
  if (by) return pieces('ended.by', { device: replacingDevice(by) });
  if (!reasonText) return reasonName(reason);
  return pieces('ended.text', { reason: reasonName(reason), text: outside(reasonText) });
}

function replacingDevice({ deviceId, label, platform }) {
  const device = outside(label ?? deviceId);
  return platform === null ? device : pieces('ended.device', { device, platform: outside(platform) });
}

/** A text from outside within a line: it cannot reorder the text around it. */
export function outside(text, kind = 'piece') {
  return h('bdi', { class: kind }, ordered(text));
}

/** Texts from outside as one line, without those that are missing. */
export function line(texts, separator = ' · ') {
  return texts.filter(Boolean).map((text, i) => [i > 0 && separator, outside(text)]);
}

/** The name of an end reason. A newer daemon may return unknown reasons. */
export function reasonName(reason) {
  return has(`reason.${reason}`) ? t(`reason.${reason}`) : reason;
}

/** A link to a user. */
export function userName(userId) {
  return h('a', { class: 'id', href: hashOf('users', userId) }, userId);
}

/**
 * A device by the label that people recognise, with its ID and what else is known of its session below. What
 * is missing takes no room.
 */
export function deviceName({ deviceId, label, platform, appVersion, clientIp }) {
  const under = line([platform, appVersion, clientIp]);
  return h(
    'div',
    {},
    label && outside(label, 'label'),
    h('span', { class: label ? 'id under' : 'id' }, deviceId),
    under.length > 0 && h('span', { class: 'under' }, under),
  );
}

/** A link from a chat server to its sessions, with `below` under it. */
export function serverName(serverAddr, ...below) {
  const href = hashOf('sessions', serverAddr);
  return h(
    'div',
    {},
    h('a', { class: 'code', href, 'data-key': `server ${serverAddr}` }, serverAddr),
    ...below,
  );
}

/** A note instead of missing or loading content. */
export function note(text, kind = '') {
  return h('p', { class: `note ${kind}`.trim() }, text);
}

/**
 * The text of an error. Messages of the daemon are in English. If another language does not translate the
 * message, it has a text per code.
 */
export function faultText({ code, message }) {
  const translated = translateMessage(message);
  if (translated !== undefined) return translated;
  return t(has(`fault.${code}`) ? `fault.${code}` : 'fault.other', { code, message });
}

/** The name of a caller, whose type the daemon writes in English. */
export function callerName(name) {
  return translateMessage(name) ?? name;
}

/**
 * Draws an element when it is added to the page and when its width changes. Returns a function that stops it.
 */
export function onWidth(element, draw) {
  let width = 0;
  const fit = () => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (width > 0) draw(width);
  };
  // Before the page is painted, to avoid flicker.
  queueMicrotask(fit);
  // In the next frame, because changing sizes in the callback would trigger it again.
  const observer = new ResizeObserver(() => requestAnimationFrame(fit));
  observer.observe(element);
  return () => observer.disconnect();
}

/** A box with a heading. */
export function panel(title, { id, tools }, ...content) {
  const heading = h('h2', { id: `${id}-title` }, title);
  return h(
    'section',
    { class: 'panel', id, 'aria-labelledby': heading.id },
    h('div', { class: 'head' }, heading, tools),
    ...content,
  );
}
