import { ask, isAsking } from './dialogs.js';
import { h } from './dom.js';
import { t } from './i18n.js';

const SHORTCUTS = [
  [['/'], 'keys.search'],
  [['1', '2', '3'], 'keys.views'],
  [['↑', '↓'], 'keys.rows'],
  [['Enter'], 'keys.open'],
  [['p'], 'keys.pause'],
  [['t'], 'keys.theme'],
  [['l'], 'keys.language'],
  [['?'], 'keys.help'],
  [['Esc'], 'keys.close'],
];

/** Calls the action of a key that is pressed where nothing is being typed. */
export function listen(actions) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isAsking()) return;
    if (event.key === 'Escape' && isTyping(event.target)) event.target.blur();
    if (isTyping(event.target)) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') moveRow(event);
    else if (event.key in actions) {
      event.preventDefault();
      actions[event.key]();
    }
  });
}

/** Shows what the keys do. */
export function showHelp() {
  return ask(t('keys.title'), (decide) => [
    h(
      'dl',
      { class: 'keys' },
      SHORTCUTS.map(([keys, text]) => [
        h(
          'dt',
          {},
          keys.map((key) => h('kbd', {}, key)),
        ),
        h('dd', {}, t(text)),
      ]),
    ),
    h('p', { class: 'small' }, t('help.api')),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', 'data-first': true, on: { click: () => decide() } }, t('help.close')),
    ),
  ]);
}

/** A row that the arrows reach, and that Enter opens. */
export function row(props, open, ...cells) {
  const listeners = open && {
    click: (event) => {
      if (!event.target.closest('button, a')) open();
    },
    keydown: (event) => {
      if (event.key === 'Enter' && event.target === event.currentTarget) open();
    },
  };
  const classes = [props.class, open && 'opens'].filter(Boolean).join(' ');
  return h('tr', { ...props, class: classes || undefined, tabindex: '-1', on: listeners ?? {} }, ...cells);
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
