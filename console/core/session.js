import { get, token } from './api.js';
import { ask } from './dialogs.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { faultText } from './parts.js';
import { clearSearches } from './recent.js';

/** The current caller and role. */
export let me = { name: null, role: 'reader' };

let pending;

/** Determines the caller, and asks for a token if the daemon requires one. */
export async function signIn() {
  try {
    me = await get('whoami');
  } catch (error) {
    if (error.code !== 'UNAUTHENTICATED') throw error;
    await askForToken(token.get() === '' ? undefined : error);
  }
  return me;
}

/** Removes the token, and what the browser has saved about users. */
export function signOut() {
  token.clear();
  clearSearches();
  location.reload();
}

/** Asks until a token is accepted. Concurrent calls share one dialog. */
export function askForToken(error) {
  pending ??= ask(t('signIn.title'), (decide) => form(error, decide), { isLasting: true }).finally(() => {
    pending = undefined;
  });
  return pending;
}

function form(error, decide) {
  const field = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'data-first': true,
    'aria-describedby': 'token-error',
  });
  const fault = h('p', { id: 'token-error', class: 'fault', role: 'alert' }, error && faultText(error));
  const submit = async (event) => {
    event.preventDefault();
    token.set(field.value.trim());
    try {
      me = await get('whoami');
      decide(true);
    } catch (failure) {
      if (failure.code === 'UNAUTHENTICATED') token.clear();
      fault.textContent = faultText(failure);
      field.select();
    }
  };
  return h(
    'form',
    { on: { submit } },
    h('p', {}, t('signIn.text')),
    h('label', { for: field.id }, t('signIn.token')),
    field,
    fault,
    h('p', { class: 'small' }, t('signIn.kept')),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'solid' }, t('signIn.go'))),
  );
}
