import { h } from './dom.js';
import { t } from './i18n.js';

/**
 * A table. `columns` are pairs of text name and class. On a narrow page, rows become cards with these texts
 * before their cells. The caller may provide and fill `body`. `kind` may contain 'fixed', for columns of
 * constant width, and 'brief', for cards without these texts.
 */
export function table(label, columns, rows, { body = h('tbody'), kind } = {}) {
  const head = columns.map(([name, className]) =>
    h('th', { scope: 'col', class: className }, t(`column.${name}`)),
  );
  body.append(...rows.flat());
  const all = h('table', { 'aria-label': label, class: kind }, h('thead', {}, h('tr', {}, head)), body);
  return h('div', { class: 'scroll' }, all);
}

/** A row that is reachable by arrow keys; a click or Enter calls `open`. */
export function row(columns, { key, open } = {}, ...contents) {
  const cells = contents.map((content, i) => {
    const [name, className] = columns[i];
    return h('td', { class: className, 'data-label': t(`column.${name}`) }, content);
  });
  const on = open && {
    click: ({ target }) => {
      if (!target.closest('button, a') && getSelection().isCollapsed) open();
    },
    keydown: ({ key: pressed, target, currentTarget }) => {
      if (pressed === 'Enter' && target === currentTarget) open();
    },
  };
  return h('tr', { 'data-key': key, class: open && 'opens', tabindex: '-1', on: on ?? {} }, cells);
}
