import { h, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { t } from '../core/i18n.js';
import { panel, reasonName } from '../core/parts.js';
import { Feed } from './feed.js';

/** How many changes a second are asked for: nobody reads more. */
const MOST_A_SECOND = 50;
const SAY_MS = 10_000;
const SCOPES = ['all', 'user', 'server'];
/** What is shown of the changes that come. A kind in capitals is why a session ended. */
const KINDS = {
  all: () => true,
  login: ({ online }) => online,
  logout: ({ online }) => !online,
  REPLACED: isEndedBy,
  EXPIRED: isEndedBy,
  SERVER_LOST: isEndedBy,
  EVICTED: isEndedBy,
};

/** The view of the changes as they happen: `#/changes/user=alice`, `#/changes/server=10.0.0.1:9000`. */
export function showChanges(main, { argument, go, signal, onState, onFault }) {
  const [scope, value] = readFilter(argument);
  const feed = new Feed(go);
  const form = filterForm(scope, value, feed, go);
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.changes')),
    panel(t('changes.title'), { id: 'changes', tools: feed.pauseButton }, form, feed.element),
  );
  const onLink = (state, reason) => {
    if (state === 'lost') feed.noteLoss();
    onState(state, reason);
  };
  const onEvent = (event) => feed.take(event);
  const parameters = { ...targetOf(scope, value), initial: 'false', most: MOST_A_SECOND };
  follow('watch', parameters, { signal, onEvent, onState: onLink }).catch(onFault);
  const timer = setInterval(() => feed.say(), SAY_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  return { pause: () => feed.toggle() };
}

function readFilter(argument) {
  const [, scope, value] = /^(user|server)=(.*)$/.exec(argument) ?? [];
  return scope === undefined ? ['all', ''] : [scope, value];
}

function targetOf(scope, value) {
  const names = value.split(/\s*,\s*/).filter((name) => name !== '');
  if (names.length === 0) return { all: 'true' };
  return { [scope === 'user' ? 'userId' : 'serverAddr']: names };
}

function filterForm(scope, value, feed, go) {
  const scopes = SCOPES.map((name) =>
    h('option', { value: name, selected: name === scope }, t(`filter.${name}`)),
  );
  const select = h('select', { id: 'scope', 'aria-label': t('filter.scope') }, scopes);
  const field = filterField(scope, value);
  const apply = () => {
    const wanted = select.value === 'all' ? '' : field.value.trim();
    go('changes', wanted === '' ? '' : `${select.value}=${wanted}`);
  };
  select.addEventListener('change', () => {
    field.disabled = select.value === 'all';
    if (field.disabled || field.value.trim() !== '') apply();
    else field.focus();
  });
  const submit = (event) => {
    event.preventDefault();
    apply();
  };
  return h('form', { class: 'filter', on: { submit } }, select, field, kindSelect(feed));
}

function filterField(scope, value) {
  return h('input', {
    id: 'filter',
    type: 'search',
    value,
    'aria-label': t('filter.value'),
    placeholder: t('filter.placeholder'),
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    disabled: scope === 'all',
  });
}

function kindSelect(feed) {
  const nameOf = (kind) => (kind === kind.toUpperCase() ? reasonName(kind) : t(`kind.${kind}`));
  const options = Object.keys(KINDS).map((kind) => h('option', { value: kind }, nameOf(kind)));
  const change = ({ target: { value: kind } }) => feed.filter((event) => KINDS[kind](event, kind));
  return h('select', { id: 'kind', 'aria-label': t('filter.kind'), on: { change } }, options);
}

function isEndedBy({ ended }, reason) {
  return ended?.reason === reason;
}
