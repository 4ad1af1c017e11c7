import { remember, remembered } from './memory.js';

const KEY = 'imstate.zone';
const ZONES = ['local', 'utc'];

let zone = ZONES.includes(remembered(KEY)) ? remembered(KEY) : 'local';

/** The time zone of all times: 'local' (that of the browser) or 'utc'. */
export function currentZone() {
  return zone;
}

/** The other time zone, which tooltips show as well. */
export function otherZone() {
  return zone === 'utc' ? 'local' : 'utc';
}

/** Changes and saves the time zone. All times on the page follow. */
export function setZone(next) {
  zone = next;
  remember(KEY, next);
  document.dispatchEvent(new Event('zonechange'));
}

/** What a time must be moved by to read the time of day in the time zone from it. Milliseconds. */
export function zoneOffset(time) {
  return zone === 'utc' ? 0 : -time.getTimezoneOffset() * 60_000;
}
