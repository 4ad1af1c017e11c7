import { h } from './dom.js';
import { t } from './i18n.js';

/**
 * A table. `columns` are pairs of the name of a text and the class of the column; on a narrow page its rows are cards, with these texts in
 * front of their cells. `body` is filled by whoever gives it; `kind` may be 'fixed', for columns that keep their widths, and 'brief', for cards
 * without these texts.
 */
export function table(label, columns, rows, { body = h('tbody'), kind } = {}) {
  const head = columns.map(([name, className]) =>
    h('th', { scope: 'col', class: className }, t(`column.${name}`)),
  );
  body.append(...rows.flat());
  const all = h('table', { 'aria-label': label, class: kind }, h('thead', {}, h('tr', {}, head)), body);
  return h('div', { class: 'scroll' }, all);
}

/** A row of these columns that the arrows reach; `open` is what a click or Enter does. */
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
