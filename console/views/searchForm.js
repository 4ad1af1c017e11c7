import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { isToken, rememberSearch } from '../core/recent.js';

/** What to search by: a user, or the parameter of the URL and of the listing of sessions. */
export const SEARCHES = {
  user: undefined,
  prefix: 'userIdPrefix',
  device: 'deviceId',
  session: 'sessionId',
};

/** The view, argument and parameters of the URL of what a search finds. */
export function pathOf({ by, text }) {
  return by === 'user' ? ['users', text] : ['users', '', { [by]: text }];
}

/** The search in the argument and the parameters of a URL. */
export function searchOf(argument, params) {
  const by = Object.keys(SEARCHES).find((name) => SEARCHES[name] && params[name]);
  return by === undefined ? { by: 'user', text: argument } : { by, text: params[by] };
}

/** The form that searches for a user or for sessions. */
export function searchForm({ by, text }, go) {
  const field = h('input', {
    id: 'search',
    type: 'search',
    value: text,
    maxlength: 256,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    'aria-describedby': 'search-fault',
  });
  const kinds = Object.keys(SEARCHES).map((kind) =>
    h('option', { value: kind, selected: kind === by }, t(`searchBy.${kind}`)),
  );
  const label = () => {
    field.placeholder = t(`searchBy.${select.value}`);
    field.setAttribute('aria-label', field.placeholder);
  };
  const change = () => {
    label();
    field.focus();
  };
  const select = h('select', { id: 'search-by', 'aria-label': t('search.by'), on: { change } }, kinds);
  const fault = h('p', { id: 'search-fault', class: 'fault', role: 'alert' });
  const submit = (event) => {
    event.preventDefault();
    const search = { by: select.value, text: field.value.trim() };
    const isSecret = isToken(search.text);
    fault.textContent = isSecret ? t('search.token') : '';
    if (isSecret) return;
    if (search.text !== '') rememberSearch(search);
    go(...pathOf(search));
  };
  label();
  const button = h('button', { type: 'submit', class: 'solid' }, t('search.button'));
  return h('form', { class: 'search', role: 'search', on: { submit } }, select, field, button, fault);
}
