import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { duration, t } from '../core/i18n.js';
import { row } from '../core/keys.js';
import { at, badge, note, panel, table } from '../core/parts.js';
import { timeline } from './timeline.js';

const RANGES = [
  ['all', undefined],
  ['week', 7 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
];

/** The login history of a user: a timeline, and below it the same as a table. */
export class History {
  #userId;
  #range = 'all';
  #older = [];
  #next = null;

  constructor(userId) {
    this.#userId = userId;
  }

  /** Shows the first page that was asked for; those that were asked for since follow it. */
  show({ entries, nextPageToken }) {
    if (this.#older.length === 0) this.#next = nextPageToken;
    const newest = new Set(entries.map(nameOf));
    const all = [...entries, ...this.#older.filter((entry) => !newest.has(nameOf(entry)))];
    const place = h('div', { class: 'stack' });
    const draw = () => replace(place, this.#content(all));
    const ranges = RANGES.map(([name]) => {
      const click = (event) => {
        this.#range = name;
        for (const button of event.target.parentElement.children)
          button.setAttribute('aria-pressed', 'false');
        event.target.setAttribute('aria-pressed', 'true');
        draw();
      };
      const pressed = String(name === this.#range);
      return h('button', { type: 'button', 'aria-pressed': pressed, on: { click } }, t(`range.${name}`));
    });
    draw();
    const tools = h('div', { class: 'segments', role: 'group', 'aria-label': t('range.label') }, ranges);
    const more =
      this.#next !== null &&
      h('button', { type: 'button', on: { click: () => this.#more(entries, section) } }, t('more'));
    const section = panel(t('history.title'), { id: 'history', tools: all.length > 0 && tools }, place, more);
    return section;
  }

  #content(entries) {
    if (entries.length === 0) return note(t('history.none'));
    const [, span] = RANGES.find(([name]) => name === this.#range);
    const from = span === undefined ? undefined : Date.now() - span;
    const shown = entries.filter(
      ({ endTime }) => from === undefined || endTime === null || Date.parse(endTime) >= from,
    );
    if (shown.length === 0) return note(t('history.noneInRange'));
    const head = ['device', 'server', 'login', 'end', 'lasted', 'state'].map((name) => t(`column.${name}`));
    return [timeline(shown, from), table(t('history.title'), head, shown.map(rowOf))];
  }

  async #more(entries, section) {
    const page = await get('history', { userId: this.#userId, pageSize: 200, pageToken: this.#next });
    this.#older.push(...page.entries);
    this.#next = page.nextPageToken;
    section.replaceWith(this.show({ entries, nextPageToken: this.#next }));
  }
}

function nameOf({ deviceId, sessionId, loginTime }) {
  return JSON.stringify([deviceId, sessionId, loginTime]);
}

function rowOf({ deviceId, platform, serverAddr, sessionId, loginTime, endTime, reason }) {
  const lasted = (endTime === null ? Date.now() : Date.parse(endTime)) - Date.parse(loginTime);
  return row(
    {},
    undefined,
    h('td', {}, h('span', { class: 'id' }, deviceId), platform && h('span', { class: 'under' }, platform)),
    h('td', {}, h('span', { class: 'code' }, serverAddr), h('span', { class: 'under code' }, sessionId)),
    h('td', {}, at(loginTime)),
    h('td', {}, at(endTime)),
    h('td', {}, duration(lasted)),
    h('td', {}, badge(endTime === null, reason)),
  );
}
