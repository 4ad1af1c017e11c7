import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, isInUse, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { pieces, t } from '../core/i18n.js';
import { badge, faultText, note, panel, since } from '../core/parts.js';
import { deviceTable } from './devices.js';
import { evictButton } from './evict.js';
import { History } from './history.js';
import { showSearch, showStart } from './search.js';
import { searchForm, searchOf } from './searchForm.js';

/** Changes within this time are loaded together. */
const DEBOUNCE_MS = 150;
const RETRY_MS = 3_000;

/** The view of one user, `#/users/alice`, or of a search, such as `#/users?prefix=ali`. */
export function showUsers(main, { argument, ...context }) {
  const search = searchOf(argument, context.params);
  const result = h('div', { id: 'result' });
  replace(main, h('h1', { class: 'hidden' }, t('nav.users')), searchForm(search, context.go), result);
  if (search.text === '') {
    showStart(result);
    document.getElementById('search').focus();
  } else if (search.by === 'user') new UserPage(result, search.text, context).start();
  else showSearch(result, search, context);
}

/** The current state of a user, kept up to date by a watch. */
class UserPage {
  #element;
  #userId;
  #context;
  #history;
  #timer;
  #opened = new Set();
  #isShown = false;

  constructor(element, userId, context) {
    this.#element = element;
    this.#userId = userId;
    this.#context = context;
    this.#history = new History(userId, context);
  }

  start() {
    const { signal, onState, onFault } = this.#context;
    replace(this.#element, note(t('loading')));
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    const parameters = { userId: this.#userId, initial: 'false' };
    const onEvent = ({ type }) => {
      // Load after the watch has started, so that no change is missed in between.
      if (type === 'synced') this.#loadIn(0);
      if (type === 'change') this.#loadIn(DEBOUNCE_MS);
    };
    const onLink = (state, reason) => {
      onState(state, reason);
      if (state === 'away' && !this.#isShown) this.#loadIn(0);
    };
    follow('watch', parameters, { signal, onEvent, onState: onLink }).catch(onFault);
  }

  #loadIn(ms) {
    clearTimeout(this.#timer);
    if (!this.#context.signal.aborted) this.#timer = setTimeout(() => void this.#load(), ms);
  }

  async #load() {
    const { signal, onResponse } = this.#context;
    try {
      const [user, history] = await Promise.all([
        get('query', { userId: this.#userId, explain: 'true' }, { signal }),
        this.#history.load(signal),
      ]);
      onResponse();
      if (isInUse(this.#element)) this.#loadIn(RETRY_MS);
      else this.#show(user, history);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(error) {
    if (this.#isShown || error.code === 'UNAUTHENTICATED') this.#context.onFault(error);
    else replace(this.#element, note(faultText(error), 'bad'));
    if (!['UNAUTHENTICATED', 'INVALID_ARGUMENT'].includes(error.code)) this.#loadIn(RETRY_MS);
  }

  #show(user, history) {
    const { userId, online, devices } = user;
    const hasHistory = history.entries.length > 0;
    const count = devices.filter((device) => device.online).length;
    const summary = summaryOf(count, devices.length, hasHistory);
    if (!this.#isShown) announce(`${userId}: ${summary}`);
    this.#isShown = true;
    const onDone = () => this.#loadIn(DEBOUNCE_MS);
    const title = h(
      'span',
      { class: 'who' },
      h('span', { class: 'id' }, userId),
      badge(online),
      seenText(user),
    );
    const tools =
      count > 0 && evictButton({ userId }, { name: userId, count, text: t('evict.user'), onDone });
    const content = [
      h('p', { class: 'lead' }, summary),
      devices.length > 0 && deviceTable(user, this.#opened, onDone),
      omissions(user),
    ];
    if (hasHistory) this.#history.show(history);
    replace(this.#element, panel(title, { id: 'user', tools }, content), hasHistory && this.#history.element);
  }
}

/** When an offline user was last online, if that is known. */
function seenText({ online, lastSeen }) {
  if (online || lastSeen === null) return undefined;
  return h('span', { class: 'small' }, pieces('user.lastSeen', { ago: since(lastSeen) }));
}

/** Notes about parts that did not fit into the response. */
function omissions({ metadataOmitted, devicesOmitted }) {
  return [
    metadataOmitted && note(t('user.metadataOmitted')),
    devicesOmitted && note(t('user.devicesOmitted', { count: devicesOmitted })),
  ];
}

function summaryOf(count, all, hasHistory) {
  if (count > 0) return t('user.online', { online: count, count: all });
  if (all > 0) return t('user.offline');
  return hasHistory ? t('user.noDevices') : t('user.unknown');
}
