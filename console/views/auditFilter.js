import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { actionName, outcomeName } from './auditTexts.js';

const PERIODS = { all: undefined, week: 7 * 86_400_000, day: 86_400_000, hour: 3_600_000 };
const OUTCOMES = ['OK', 'DENIED', 'FAILED'];
/** Those that this version of the console knows; the field of the API accepts any. */
const ACTIONS = [
  ...['evict', 'set_log_level', 'add_token', 'change_token', 'remove_token'],
  ...['add_certificate', 'change_certificate', 'remove_certificate', 'finish_upgrade'],
  ...['erase_user', 'export_user', 'put_policy', 'delete_policy', 'set_default_policy'],
  ...['pause_relay', 'replay_relay', 'delete_relay'],
  ...['read_audit', 'read_log_level'],
];
const NAMES = ['identity', 'userId', 'action', 'outcome', 'period'];

/** The filter in the argument of the view, such as `identity=ops&outcome=DENIED`. */
export function readFilter(argument) {
  const given = new URLSearchParams(argument);
  const values = Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? '']));
  // Pages that are loaded later continue with the same time.
  const openedAt = Date.now();
  return { values, parameters: () => parametersOf(values, openedAt) };
}

/** The form of the filter; each change shows the view with the new one. */
export function auditFilter({ values }, go) {
  const identity = field('identity', values);
  const userId = field('userId', values);
  const selects = [
    select('action', values, ACTIONS, actionName),
    select('outcome', values, OUTCOMES, outcomeName),
    select('period', values, Object.keys(PERIODS).slice(1), (name) => t(`range.${name}`)),
  ];
  const apply = () => {
    const chosen = new URLSearchParams();
    for (const { name, value } of [identity, userId, ...selects])
      if (value.trim() !== '') chosen.set(name, value.trim());
    go('audit', chosen.toString());
  };
  const submit = (event) => {
    event.preventDefault();
    apply();
  };
  for (const each of selects) each.addEventListener('change', apply);
  const button = h('button', { type: 'submit' }, t('audit.apply'));
  return h('form', { class: 'filter wide', on: { submit } }, identity, userId, selects, button);
}

/** The parameters of the HTTP API. */
function parametersOf({ period, ...texts }, openedAt) {
  const given = Object.entries(texts).filter(([, value]) => value !== '');
  const since = PERIODS[period] && new Date(openedAt - PERIODS[period]).toISOString();
  return { ...Object.fromEntries(given), ...(since && { since }) };
}

function field(name, values) {
  return h('input', {
    type: 'search',
    name,
    value: values[name],
    'aria-label': t(`auditBy.${name}`),
    placeholder: t(`auditBy.${name}`),
    maxlength: 256,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  });
}

function select(name, values, options, nameOf) {
  const known = options.includes(values[name]) || values[name] === '' ? options : [...options, values[name]];
  const all = h('option', { value: '' }, t(`auditAll.${name}`));
  const others = known.map((value) =>
    h('option', { value, selected: value === values[name] }, nameOf(value)),
  );
  return h('select', { name, 'aria-label': t(`auditBy.${name}`) }, all, others);
}
