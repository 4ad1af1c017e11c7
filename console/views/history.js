import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { duration, t } from '../core/i18n.js';
import { at, badge, deviceName, note, panel, serverName } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { timeline } from './timeline.js';

const RANGES = [
  ['all', undefined],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
];
const COLUMNS = [
  ['device'],
  ['session'],
  ['login', 'time'],
  ['end', 'time'],
  ['lasted', 'lasted'],
  ['state', 'state'],
];
const PAGE_SIZE = 200;

/** The login history of a user as a timeline and a table. */
export class History {
  /** The element to add to the page once. */
  element = h('div');
  #userId;
  #onFault;
  #range = 'all';
  #newest = [];
  #older = [];
  #next = null;

  constructor(userId, onFault) {
    this.#userId = userId;
    this.#onFault = onFault;
  }

  /** Loads the newest sessions; resolves with the input of show(). */
  load(signal) {
    return get('history', { userId: this.#userId, pageSize: PAGE_SIZE }, { signal });
  }

  /** Shows the newest sessions above older ones that are already loaded. */
  show({ entries, nextPageToken }) {
    if (this.#older.length === 0) this.#next = nextPageToken;
    this.#newest = entries;
    this.#draw();
  }

  #draw() {
    const newest = new Set(this.#newest.map(nameOf));
    const all = [...this.#newest, ...this.#older.filter((entry) => !newest.has(nameOf(entry)))];
    const tools = all.length > 0 && this.#ranges();
    const content = [this.#content(all), this.#next !== null && this.#moreButton()];
    replace(this.element, panel(t('history.title'), { id: 'history', tools }, content));
  }

  #ranges() {
    const button = ([name]) => {
      const click = () => {
        this.#range = name;
        this.#draw();
      };
      const props = { 'aria-pressed': String(name === this.#range), 'data-key': `range ${name}` };
      return h('button', { type: 'button', ...props, on: { click } }, t(`range.${name}`));
    };
    return h('div', { class: 'segments', role: 'group', 'aria-label': t('range.label') }, RANGES.map(button));
  }

  #content(entries) {
    if (entries.length === 0) return note(t('history.none'));
    const [, span] = RANGES.find(([name]) => name === this.#range);
    const from = span === undefined ? undefined : Date.now() - span;
    const shown = entries.filter(
      ({ endTime }) => from === undefined || endTime === null || Date.parse(endTime) >= from,
    );
    if (shown.length === 0) return note(t('history.noneInRange'));
    return [timeline(shown, from), table(t('history.title'), COLUMNS, shown.map(rowOf), { kind: 'fixed' })];
  }

  #moreButton() {
    const click = async ({ currentTarget }) => {
      currentTarget.disabled = true;
      await this.#more();
      this.#draw();
    };
    return h('button', { type: 'button', 'data-key': 'more', on: { click } }, t('more'));
  }

  async #more() {
    try {
      const page = await get('history', { userId: this.#userId, pageSize: PAGE_SIZE, pageToken: this.#next });
      this.#older.push(...page.entries);
      this.#next = page.nextPageToken;
    } catch (error) {
      this.#onFault(error);
    }
  }
}

function nameOf({ deviceId, sessionId, loginTime }) {
  return JSON.stringify([deviceId, sessionId, loginTime]);
}

function rowOf(entry) {
  const { deviceId, platform, serverAddr, sessionId, loginTime, endTime, reason } = entry;
  const lasted = (endTime === null ? Date.now() : Date.parse(endTime)) - Date.parse(loginTime);
  return row(
    COLUMNS,
    { key: `session ${nameOf(entry)}` },
    deviceName(deviceId, platform),
    serverName(serverAddr, h('span', { class: 'under code' }, sessionId)),
    at(loginTime),
    at(endTime),
    duration(lasted),
    badge(endTime === null, reason),
  );
}
