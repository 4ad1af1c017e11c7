import { h } from './dom.js';
import { fullTime } from './i18n.js';
import { otherZone } from './zone.js';

/** How each element writes its text. */
const writers = new WeakMap();

/**
 * Calls `write` with an element now, whenever the time zone changes and, if `isAge`, as time passes. Returns
 * the element.
 */
export function timed(element, write, { isAge = false } = {}) {
  writers.set(element, write);
  element.setAttribute('data-timed', isAge ? 'age' : 'zone');
  write(element);
  return element;
}

/** A text that contains times. */
export function timedText(textOf) {
  return timed(h('span'), (element) => setText(element, textOf()));
}

/** A time, as `textOf` writes it; the tooltip shows both time zones. */
export function timeElement(iso, textOf, options) {
  const time = new Date(iso);
  const write = (element) => {
    setText(element, textOf(time));
    element.title = `${fullTime(time)}\n${fullTime(time, otherZone())}`;
  };
  return timed(h('time', { datetime: iso }), write, options);
}

/** Writes all relative times again. */
export function refreshTimes() {
  rewrite('[data-timed=age]');
}

document.addEventListener('zonechange', () => rewrite('[data-timed]'));

function rewrite(selector) {
  for (const element of document.querySelectorAll(selector)) writers.get(element)?.(element);
}

/** An unchanged text is left alone: it may be selected. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
