import { announce } from '../core/announce.js';
import { h, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { t } from '../core/i18n.js';
import { row } from '../core/keys.js';
import { at, badge, panel, reasonName } from '../core/parts.js';

/** How many rows are kept, and how many changes a second are asked for. */
const MOST_ROWS = 300;
const MOST_A_SECOND = 50;
/** Whoever listens is told how many came, not each. */
const SAY_MS = 10_000;
const KINDS = ['all', 'login', 'logout', 'REPLACED', 'EXPIRED', 'SERVER_LOST', 'EVICTED'];

/** The view of the changes as they happen: `#/changes/user=alice`, `#/changes/server=10.0.0.1:9000`. */
export function showChanges(main, context) {
  const [scope, value] = readFilter(context.argument);
  const feed = new Feed(context.go);
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.changes')),
    panel(
      t('changes.title'),
      { id: 'changes', tools: feed.pauseButton },
      filterForm(scope, value, feed, context.go),
      feed.element,
    ),
  );
  const target =
    value === '' ? { all: 'true' } : { [scope === 'user' ? 'userId' : 'serverAddr']: value.split(/\s*,\s*/) };
  const { signal, onState, onFault } = context;
  follow(
    'watch',
    { ...target, initial: 'false', most: MOST_A_SECOND },
    {
      signal,
      onEvent: (event) => feed.take(event),
      onState: (state) => {
        if (state === 'lost') feed.noteLoss();
        onState(state);
      },
    },
  ).catch(onFault);
  const timer = setInterval(() => feed.say(), SAY_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  return { pause: () => feed.toggle() };
}

function readFilter(argument) {
  const [, scope, value] = /^(user|server)=(.*)$/.exec(argument) ?? [];
  return scope === undefined ? ['all', ''] : [scope, value];
}

function filterForm(scope, value, feed, go) {
  const options = ['all', 'user', 'server'].map((name) =>
    h('option', { value: name, selected: name === scope }, t(`filter.${name}`)),
  );
  const select = h('select', { id: 'scope', 'aria-label': t('filter.scope') }, options);
  const field = h('input', {
    ...{
      id: 'filter',
      type: 'search',
      value,
      'aria-label': t('filter.value'),
      placeholder: t('filter.placeholder'),
    },
    ...{ autocomplete: 'off', spellcheck: 'false', disabled: scope === 'all' },
  });
  const apply = () =>
    go(
      'changes',
      select.value === 'all' || field.value.trim() === '' ? '' : `${select.value}=${field.value.trim()}`,
    );
  select.addEventListener('change', () => {
    field.disabled = select.value === 'all';
    if (field.disabled) field.value = '';
    if (field.disabled || field.value.trim() !== '') apply();
    else field.focus();
  });
  const kinds = h(
    'select',
    { id: 'kind', 'aria-label': t('filter.kind'), on: { change: ({ target }) => feed.show(target.value) } },
    KINDS.map((kind) =>
      h('option', { value: kind }, kind === kind.toUpperCase() ? reasonName(kind) : t(`kind.${kind}`)),
    ),
  );
  const submit = (event) => {
    event.preventDefault();
    apply();
  };
  return h('form', { class: 'filter', on: { submit } }, select, field, kinds);
}

/** The newest changes, newest first; drawn at most once a frame. */
class Feed {
  #go;
  #body = h('tbody');
  #empty = h('p', { class: 'note' }, t('changes.none'));
  #skipped = h('p', { class: 'note small', hidden: true });
  #changes = [];
  #waiting = [];
  #kind = 'all';
  #isPaused = false;
  #isDue = false;
  #left = 0;
  #unsaid = 0;

  constructor(go) {
    this.#go = go;
    const head = ['time', 'user', 'device', 'state', 'server'].map((name) =>
      h('th', { scope: 'col' }, t(`column.${name}`)),
    );
    const rows = h(
      'table',
      { class: 'feed', 'aria-label': t('changes.title') },
      h('thead', {}, h('tr', {}, head)),
      this.#body,
    );
    this.element = h('div', {}, h('div', { class: 'scroll tall' }, rows, this.#empty), this.#skipped);
    this.pauseButton = h(
      'button',
      { type: 'button', id: 'pause', 'aria-pressed': 'false', on: { click: () => this.toggle() } },
      t('changes.pause'),
    );
  }

  take(event) {
    if (event.type === 'skipped') this.#left += event.changes;
    else if (event.type === 'change') {
      this.#waiting.push(event);
      // While it is paused what came first is let go of: it would not be shown any more.
      if (this.#waiting.length > MOST_ROWS) this.#waiting.shift();
      this.#unsaid += 1;
    }
    this.#drawSoon();
  }

  noteLoss() {
    announce(t('changes.lost'));
  }

  /** Shows only changes of one kind. */
  show(kind) {
    this.#kind = kind;
    replace(
      this.#body,
      this.#changes.filter((change) => this.#isShown(change)).map((change) => this.#rowOf(change)),
    );
    this.#drawSoon();
  }

  toggle() {
    this.#isPaused = !this.#isPaused;
    this.pauseButton.setAttribute('aria-pressed', String(this.#isPaused));
    this.#drawSoon();
  }

  say() {
    if (this.#unsaid > 0 && !this.#isPaused) announce(t('changes.came', { count: this.#unsaid }));
    this.#unsaid = 0;
  }

  #drawSoon() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#draw();
    });
  }

  #draw() {
    const count = this.#waiting.length;
    this.pauseButton.textContent = this.#isPaused ? t('changes.resume', { n: count }) : t('changes.pause');
    if (!this.#isPaused) {
      const fresh = this.#waiting.splice(0).reverse();
      this.#changes = [...fresh, ...this.#changes].slice(0, MOST_ROWS);
      this.#body.prepend(
        ...fresh.filter((change) => this.#isShown(change)).map((change) => this.#rowOf(change)),
      );
      while (this.#body.childElementCount > MOST_ROWS) this.#body.lastElementChild.remove();
    }
    this.#empty.hidden = this.#body.childElementCount > 0;
    this.#skipped.hidden = this.#left === 0;
    if (this.#left > 0) this.#skipped.textContent = t('changes.skipped', { count: this.#left });
  }

  #isShown({ online, ended }) {
    if (this.#kind === 'all') return true;
    if (this.#kind === 'login') return online;
    if (this.#kind === 'logout') return !online;
    return ended?.reason === this.#kind;
  }

  #rowOf({ userId, deviceId, online, userOnline, session, ended, time }) {
    const { serverAddr = '', platform } = session ?? ended ?? {};
    const replaced =
      online && ended && h('span', { class: 'under' }, `${reasonName(ended.reason)}: ${ended.serverAddr}`);
    const elsewhere = !online && userOnline && h('span', { class: 'under' }, t('changes.elsewhere'));
    return row(
      {},
      () => this.#go('users', userId),
      h('td', {}, at(time)),
      h('td', {}, h('span', { class: 'id' }, userId)),
      h('td', {}, h('span', { class: 'id' }, deviceId), platform && h('span', { class: 'under' }, platform)),
      h('td', {}, badge(online, ended?.reason), elsewhere),
      h('td', {}, h('span', { class: 'code' }, serverAddr), replaced),
    );
  }
}
