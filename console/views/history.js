import { setParams } from '../core/address.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { duration, t } from '../core/i18n.js';
import { at, badge, deviceName, note, panel, serverName } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { exportTools } from './exports.js';
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
  #context;
  #range;
  #newest = [];
  #older = [];
  #next = null;
  #exportTools;

  constructor(userId, context) {
    this.#userId = userId;
    this.#context = context;
    this.#range = RANGES.some(([name]) => name === context.params.range) ? context.params.range : 'all';
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
    const tools = all.length > 0 && h('div', { class: 'tools' }, this.#ranges(), this.#exports());
    const content = [this.#content(all), this.#next !== null && this.#moreButton()];
    replace(this.element, panel(t('history.title'), { id: 'history', tools }, content));
  }

  #ranges() {
    const button = ([name]) => {
      const click = () => {
        this.#range = name;
        setParams({ range: name === 'all' ? '' : name });
        this.#draw();
      };
      const props = { 'aria-pressed': String(name === this.#range), 'data-key': `range ${name}` };
      return h('button', { type: 'button', ...props, on: { click } }, t(`range.${name}`));
    };
    return h('div', { class: 'segments', role: 'group', 'aria-label': t('range.label') }, RANGES.map(button));
  }

  #content(entries) {
    if (entries.length === 0) return note(t('history.none'));
    const from = this.#from();
    const shown = entries.filter((entry) => endsAfter(entry, from));
    if (shown.length === 0) return note(t('history.noneInRange'));
    return [timeline(shown, from), table(t('history.title'), COLUMNS, shown.map(rowOf), { kind: 'fixed' })];
  }

  /** The beginning of the selected period; undefined if it has none. */
  #from() {
    const [, span] = RANGES.find(([name]) => name === this.#range);
    return span === undefined ? undefined : Date.now() - span;
  }

  /** Made once: it shows the progress of an export while the history is redrawn. */
  #exports() {
    const userId = this.#userId;
    this.#exportTools ??= exportTools(
      {
        name: 'history',
        parameters: { userId },
        names: [userId],
        rowsOf: ({ entries }) => entries.filter((entry) => endsAfter(entry, this.#from())),
        toJson: (entries, { isCut }) => ({ userId, entries, more: isCut }),
      },
      this.#context,
    );
    return this.#exportTools;
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
      this.#context.onFault(error);
    }
  }
}

function endsAfter({ endTime }, from) {
  return from === undefined || endTime === null || Date.parse(endTime) >= from;
}

function nameOf({ deviceId, sessionId, loginTime }) {
  return JSON.stringify([deviceId, sessionId, loginTime]);
}

function rowOf(entry) {
  const { serverAddr, sessionId, loginTime, endTime } = entry;
  const lasted = (endTime === null ? Date.now() : Date.parse(endTime)) - Date.parse(loginTime);
  return row(
    COLUMNS,
    { key: `session ${nameOf(entry)}` },
    deviceName(entry),
    serverName(serverAddr, h('span', { class: 'under code' }, sessionId)),
    at(loginTime),
    at(endTime),
    duration(lasted),
    badge(endTime === null, entry),
  );
}
