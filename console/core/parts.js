import { hashOf } from './address.js';
import { h } from './dom.js';
import { ago, clock, fullTime, has, t } from './i18n.js';

/** How the daemon names callers. */
const CALLERS = {
  token: /^token "(.*)"$/,
  jwt: /^the JWT of (.*)$/,
  certificate: /^the client certificate (.*)$/,
};

/** What stands for a value that is not there. */
export function none(text = '–') {
  return h('span', { class: 'none' }, text);
}

/** A time, said as how long ago it was; kept up to date. The tip has it in full. */
export function since(iso) {
  if (iso === null || iso === undefined) return none();
  const time = new Date(iso);
  return h('time', { datetime: iso, title: fullTime(time), 'data-ago': true }, ago(time));
}

/** A time of day. */
export function at(iso) {
  if (iso === null || iso === undefined) return none();
  const time = new Date(iso);
  return h('time', { datetime: iso, title: fullTime(time) }, clock(time));
}

/** Brings the times that say how long ago they were up to date. */
export function refreshTimes() {
  for (const element of document.querySelectorAll('time[data-ago]')) {
    const text = ago(new Date(element.dateTime));
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Whether something is online, by colour, shape and word. */
export function badge(online, reason) {
  const word = online ? t('state.online') : reason ? reasonName(reason) : t('state.offline');
  return h('span', { class: `badge ${online ? 'online' : (reason ?? '')}`.trim() }, word);
}

/** Why a session ended; a newer daemon may know a reason that this page does not. */
export function reasonName(reason) {
  return has(`reason.${reason}`) ? t(`reason.${reason}`) : reason;
}

/** A device, with its platform below it. */
export function deviceName(deviceId, platform) {
  return h(
    'div',
    {},
    h('span', { class: 'id' }, deviceId),
    platform && h('span', { class: 'under' }, platform),
  );
}

/** A chat server; leads to its changes. `below` is what stands under it. */
export function serverName(serverAddr, ...below) {
  const href = hashOf('changes', `server=${serverAddr}`);
  return h(
    'div',
    {},
    h('a', { class: 'code', href, 'data-key': `server ${serverAddr}` }, serverAddr),
    ...below,
  );
}

/** What stands where there is nothing to show, or where it is still to come. */
export function note(text, kind = '') {
  return h('p', { class: `note ${kind}`.trim() }, text);
}

/** What an error says to people. The daemon says it in English only, so other languages have a text for each code. */
export function faultText({ code, message }) {
  return t(has(`fault.${code}`) ? `fault.${code}` : 'fault.other', { code, message });
}

/** The name of a caller, whose kind the daemon says in English. */
export function callerName(name) {
  for (const [kind, pattern] of Object.entries(CALLERS)) {
    const [, id] = pattern.exec(name) ?? [];
    if (id !== undefined) return t(`caller.${kind}`, { id });
  }
  return name;
}

/** Draws an element that is put into the page in this turn, and again whenever it gets another width. Returns what ends it. */
export function onWidth(element, draw) {
  let width = 0;
  const fit = () => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (width > 0) draw(width);
  };
  // Before the page is painted: what is drawn anew would flicker otherwise.
  queueMicrotask(fit);
  // In the next frame: to change sizes while they are told would be told again.
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
