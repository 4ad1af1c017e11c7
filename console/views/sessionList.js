import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { pageOf } from '../core/pages.js';
import { at, deviceName, faultText, note, serverName, userName } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { exportTools } from './exports.js';

/** How many further sessions are shown at once. */
const PAGE_SIZE = 100;
/** How many sessions a search compares until it asks whether to continue. */
const MAX_SCANNED = 100_000;
const COLUMNS = [['user'], ['device'], ['session'], ['login', 'time']];
/** Those of one chat server. */
const COLUMNS_OF_SERVER = [['user'], ['device'], ['sessionId'], ['login', 'time']];

/**
 * Sessions that are online, page by page: of a chat server, or those that a search finds. `parameters` are
 * those of the listing; `statusOf` returns the text about `{ count, scanned, isComplete, isRunning }`.
 */
export class SessionList {
  element = h('div');
  #parameters;
  #columns;
  #statusOf;
  #context;
  #body = h('tbody');
  #status = h('p', { class: 'lead' });
  #notes = h('div');
  #table;
  #state = { count: 0, scanned: 0, isComplete: false, isRunning: true };
  #next = null;
  #isPartial = false;

  constructor(parameters, statusOf, context) {
    this.#parameters = parameters;
    this.#columns = parameters.serverAddr === undefined ? COLUMNS : COLUMNS_OF_SERVER;
    this.#statusOf = statusOf;
    this.#context = context;
    this.#table = table(t('sessions.title'), this.#columns, [], { body: this.#body, kind: 'fixed' });
    this.#table.hidden = true;
    replace(this.element, this.#status, this.#table, this.#notes);
    this.showStatus();
  }

  /** Buttons that export all of these sessions; `names` go into the name of the file. */
  exportTools(names) {
    const source = {
      name: 'sessions',
      parameters: this.#parameters,
      names,
      rowsOf: ({ sessions }) => sessions,
      toJson: (sessions, { isCut, isPartial }) => ({ sessions, more: isCut, partial: isPartial }),
    };
    return exportTools(source, this.#context);
  }

  /** Reads on until there are as many sessions as one page shows, or a search has compared many. */
  async load() {
    const { signal, onFault, onResponse } = this.#context;
    const { count, scanned } = this.#state;
    // The button stays, and keeps the focus.
    replace(this.#notes, this.#notes.querySelector('button'));
    this.#update({ isRunning: true });
    try {
      do {
        this.#add(await get('sessions', pageOf(this.#parameters, PAGE_SIZE, this.#next), { signal }));
        onResponse();
      } while (
        this.#hasMore &&
        this.#state.count - count < PAGE_SIZE &&
        this.#state.scanned - scanned < MAX_SCANNED
      );
      this.#update({ isRunning: false });
      replace(
        this.#notes,
        this.#isPartial && note(t('store.partial')),
        this.#hasMore && this.#button(t('more')),
      );
      announce(this.#status.textContent);
    } catch (error) {
      if (signal.aborted) return;
      if (error.code === 'UNAUTHENTICATED') onFault(error);
      else this.#fail(error);
    }
  }

  /** Writes the text about the sessions again. */
  showStatus() {
    this.#status.textContent = this.#statusOf(this.#state);
  }

  get #hasMore() {
    return !this.#state.isComplete;
  }

  #add({ sessions, nextPageToken, partial, scanned }) {
    this.#body.append(...sessions.map((session) => this.#rowOf(session)));
    this.#table.hidden = this.#body.childElementCount === 0;
    this.#next = nextPageToken;
    this.#isPartial ||= partial;
    const { count, scanned: before } = this.#state;
    this.#update({
      count: count + sessions.length,
      scanned: before + scanned,
      isComplete: nextPageToken === null,
    });
  }

  #update(changes) {
    Object.assign(this.#state, changes);
    this.showStatus();
  }

  #fail(error) {
    this.#update({ isRunning: false });
    const text = faultText(error);
    announce(text);
    // An invalid request stays invalid.
    if (error.code === 'INVALID_ARGUMENT') this.#status.textContent = '';
    replace(this.#notes, note(text, 'bad'), error.code !== 'INVALID_ARGUMENT' && this.#button(t('retry')));
  }

  #button(text) {
    const click = () => {
      if (!this.#state.isRunning) void this.load();
    };
    const props = { type: 'button', 'data-key': 'more', on: { click } };
    return h('button', props, text);
  }

  #rowOf(found) {
    const { userId, serverAddr, sessionId, loginTime } = found;
    const session = (...names) => h('span', { class: ['code', ...names].join(' ') }, sessionId);
    return row(
      this.#columns,
      { open: () => this.#context.go('users', userId) },
      userName(userId),
      deviceName(found),
      this.#columns === COLUMNS ? serverName(serverAddr, session('under')) : session(),
      at(loginTime),
    );
  }
}
