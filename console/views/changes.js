import { setParams } from '../core/address.js';
import { h, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { t } from '../core/i18n.js';
import { panel, reasonName } from '../core/parts.js';
import { Feed } from './feed.js';

/** The requested limit of changes per second, because people cannot read more. */
const MAX_CHANGES_PER_SECOND = 50;
const ANNOUNCE_INTERVAL_MS = 10_000;
const SCOPES = ['all', 'user', 'server'];
/** Filters of the shown changes. Names in capitals are end reasons. */
const KINDS = {
  all: () => true,
  login: ({ online }) => online,
  logout: ({ online }) => !online,
  REPLACED: isEndedBy,
  EXPIRED: isEndedBy,
  SERVER_LOST: isEndedBy,
  EVICTED: isEndedBy,
};

/** The view of live changes: `#/changes/user=alice?kind=logout`, `#/changes/server=10.0.0.1:9000`. */
export function showChanges(main, { argument, params, go, signal, onState, onFault }) {
  const [scope, value] = readFilter(argument);
  const feed = new Feed(go);
  const kind = params.kind in KINDS ? params.kind : 'all';
  feed.filter((event) => KINDS[kind](event, kind));
  const form = filterForm(scope, value, kindSelect(kind, feed), go);
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.changes')),
    panel(t('changes.title'), { id: 'changes', tools: feed.pauseButton }, form, feed.element),
  );
  const onLink = (state, reason) => {
    if (state === 'lost') feed.showLoss();
    onState(state, reason);
  };
  const onEvent = (event) => feed.add(event);
  const parameters = { ...targetOf(scope, value), initial: 'false', most: MAX_CHANGES_PER_SECOND };
  follow('watch', parameters, { signal, onEvent, onState: onLink }).catch(onFault);
  const timer = setInterval(() => feed.announceCount(), ANNOUNCE_INTERVAL_MS);
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

function filterForm(scope, value, kinds, go) {
  const scopes = SCOPES.map((name) =>
    h('option', { value: name, selected: name === scope }, t(`filter.${name}`)),
  );
  const select = h('select', { id: 'scope', 'aria-label': t('filter.scope') }, scopes);
  const field = filterField(scope, value);
  const apply = () => {
    const wanted = select.value === 'all' ? '' : field.value.trim();
    const kind = kinds.value === 'all' ? '' : kinds.value;
    go('changes', wanted === '' ? '' : `${select.value}=${wanted}`, { kind });
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
  return h('form', { class: 'filter', on: { submit } }, select, field, kinds);
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

function kindSelect(current, feed) {
  const nameOf = (kind) => (kind === kind.toUpperCase() ? reasonName(kind) : t(`kind.${kind}`));
  const options = Object.keys(KINDS).map((kind) =>
    h('option', { value: kind, selected: kind === current }, nameOf(kind)),
  );
  const change = ({ target: { value: kind } }) => {
    setParams({ kind: kind === 'all' ? '' : kind });
    feed.filter((event) => KINDS[kind](event, kind));
  };
  return h('select', { id: 'kind', 'aria-label': t('filter.kind'), on: { change } }, options);
}

function isEndedBy({ ended }, reason) {
  return ended?.reason === reason;
}
