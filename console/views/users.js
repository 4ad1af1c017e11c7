import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { t } from '../core/i18n.js';
import { badge, note, panel } from '../core/parts.js';
import { deviceTable } from './devices.js';
import { evictButton } from './evict.js';
import { History } from './history.js';

/** Changes that come together are asked for once. */
const SETTLE_MS = 150;

/** The view of one user: `#/users/alice`. */
export function showUsers(main, { argument: userId, go, ...context }) {
  const field = h('input', {
    ...{ id: 'search', type: 'search', value: userId, placeholder: t('search.placeholder') },
    ...{
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      maxlength: 256,
      'aria-label': t('search.label'),
    },
  });
  const submit = (event) => {
    event.preventDefault();
    go('users', field.value.trim());
  };
  const result = h('div', { id: 'result' });
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.users')),
    h(
      'form',
      { class: 'search', role: 'search', on: { submit } },
      field,
      h('button', { type: 'submit', class: 'primary' }, t('search.button')),
    ),
    result,
  );
  if (userId === '') {
    replace(result, note(t('search.hint')));
    field.focus();
    return;
  }
  new UserPage(result, userId, context).start();
}

/** A user as it stands, kept up to date by a watch. */
class UserPage {
  #place;
  #userId;
  #context;
  #history;
  #timer;
  #opened = new Set();
  #isShown = false;

  constructor(place, userId, context) {
    this.#place = place;
    this.#userId = userId;
    this.#context = context;
    this.#history = new History(userId);
  }

  start() {
    const { signal, onState, onFault } = this.#context;
    replace(this.#place, note(t('loading')));
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    follow(
      'watch',
      { userId: this.#userId, initial: 'false' },
      {
        signal,
        onEvent: ({ type }) => {
          // Once the watch stands, so that nothing happens between the two.
          if (type === 'synced') void this.#load();
          if (type === 'change') this.#loadSoon();
        },
        onState: (state) => {
          onState(state);
          if (state === 'away' && !this.#isShown) void this.#load();
        },
      },
    ).catch(onFault);
  }

  #loadSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(), SETTLE_MS);
  }

  async #load() {
    const { signal, onFault, onAnswer } = this.#context;
    try {
      const parameters = { userId: this.#userId };
      const [user, history] = await Promise.all([
        get('query', { ...parameters, explain: 'true' }, { signal }),
        get('history', { ...parameters, pageSize: 200 }, { signal }),
      ]);
      onAnswer();
      this.#show(user, history);
    } catch (error) {
      if (!signal.aborted) this.#fail(error, onFault);
    }
  }

  #fail(error, onFault) {
    if (this.#isShown || error.code === 'UNAUTHENTICATED') onFault(error);
    else replace(this.#place, note(error.message, 'bad'));
  }

  #show(user, history) {
    const { userId, online, devices } = user;
    const count = devices.filter((device) => device.online).length;
    const summary = summaryOf(userId, count, devices.length, history.entries.length);
    if (!this.#isShown) announce(summary);
    this.#isShown = true;
    const title = h('span', { class: 'who' }, h('span', { class: 'id' }, userId), badge(online));
    const evict = count > 0 && evictButton({ userId }, userId, count, () => this.#loadSoon());
    const focused = document.activeElement?.dataset?.key;
    const content =
      devices.length === 0
        ? note(history.entries.length === 0 ? t('user.unknown') : t('user.noDevices'))
        : deviceTable(user, this.#opened, () => this.#loadSoon());
    replace(
      this.#place,
      panel(title, { id: 'user', tools: evict }, h('p', { class: 'lead' }, summary), content),
      this.#history.show(history),
    );
    if (focused) this.#place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

function summaryOf(userId, count, all, past) {
  if (count > 0) return t('user.online', { name: userId, online: count, count: all });
  if (all > 0 || past > 0) return t('user.offline', { name: userId });
  return t('user.never', { name: userId });
}
