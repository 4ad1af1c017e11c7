import { ask, isDialogOpen } from './dialogs.js';
import { h } from './dom.js';
import { t } from './i18n.js';
import { remember, remembered } from './memory.js';

const OFF = 'imstate.keys';
const SHORTCUTS = [
  [['/'], 'keys.search'],
  [['1', '2', '3', '4', '5', '6', '7'], 'keys.views'],
  [['↑', '↓'], 'keys.rows'],
  [['Enter'], 'keys.open'],
  [['p'], 'keys.pause'],
  [['t'], 'keys.theme'],
  [['z'], 'keys.zone'],
  [['l'], 'keys.language'],
  [['?'], 'keys.help'],
  [['Esc'], 'keys.close'],
];

/** Calls the action of a pressed key, unless the user is typing. */
export function listen(actions) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isDialogOpen()) return;
    if (event.key === 'Escape' && isTyping(event.target)) event.target.blur();
    if (isTyping(event.target)) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') moveRow(event);
    else if (event.key in actions && remembered(OFF) !== 'off') {
      event.preventDefault();
      actions[event.key]();
    }
  });
}

/** Shows the keyboard shortcuts. */
export function showHelp() {
  return ask(t('keys.title'), (decide) => [
    h('dl', { class: 'keys' }, SHORTCUTS.map(shortcut)),
    h('label', {}, offSwitch(), t('keys.single')),
    h('p', { class: 'small' }, t('help.api')),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', 'data-first': true, on: { click: () => decide() } }, t('help.close')),
    ),
  ]);
}

function shortcut([keys, text]) {
  const names = keys.map((key) => h('kbd', {}, key));
  return [h('dt', {}, names), h('dd', {}, t(text))];
}

/** Speech input sends words as keys, so users must be able to disable single-key shortcuts (WCAG 2.1.4). */
function offSwitch() {
  const change = ({ target }) => remember(OFF, target.checked ? 'on' : 'off');
  return h('input', { type: 'checkbox', id: 'keys', checked: remembered(OFF) !== 'off', on: { change } });
}

function isTyping(element) {
  return element.matches?.('input, select, textarea') ?? false;
}

function moveRow(event) {
  const rows = [...document.querySelectorAll('main tr[tabindex]')];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement?.closest?.('tr[tabindex]'));
  const step = event.key === 'ArrowDown' ? 1 : -1;
  const next = at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1);
  event.preventDefault();
  rows[next].focus();
}
