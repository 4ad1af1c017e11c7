import { announce } from '../core/announce.js';
import { toCsv } from '../core/csv.js';
import { h } from '../core/dom.js';
import { download, fileName } from '../core/download.js';
import { sentences, t } from '../core/i18n.js';
import { readPages } from '../core/pages.js';
import { faultText } from '../core/parts.js';

const MAX_ROWS = 10_000;

/**
 * Buttons that export all pages of a listing as a file, up to a limit. `source` has the listing (`name`,
 * `parameters`), the names that go into the name of the file (`names`), `rowsOf` a page, `toJson`, which makes
 * the JSON of the rows and of `{ isCut, isPartial }`, and `toCsvRow` if a row of the CSV is another.
 */
export function exportTools(source, { signal, onFault }) {
  const status = h('span', { class: 'small' });
  const save = async ({ target }, type) => {
    for (const button of buttons) button.disabled = true;
    try {
      status.textContent = await exportTo(type, source, signal, (count) => {
        status.textContent = t('export.reading', { count });
      });
      announce(status.textContent);
    } catch (error) {
      status.textContent = '';
      if (signal.aborted) return;
      if (error.code === 'UNAUTHENTICATED') onFault(error);
      else status.textContent = faultText(error);
    } finally {
      for (const button of buttons) button.disabled = false;
      if (document.activeElement === document.body) target.focus();
    }
  };
  const buttons = ['csv', 'json'].map((type) =>
    h(
      'button',
      {
        type: 'button',
        'aria-label': t(`exportTo.${type}`),
        title: t(`exportTo.${type}`),
        'data-key': `export ${type}`,
        on: { click: (event) => save(event, type) },
      },
      type.toUpperCase(),
    ),
  );
  return h('div', { class: 'exports' }, status, buttons);
}

/** Resolves with a sentence about what the file has. */
async function exportTo(type, source, signal, onRows) {
  const { name, parameters, names, rowsOf, toJson, toCsvRow = (row) => row } = source;
  const { rows, ...state } = await readPages(name, parameters, { rowsOf, limit: MAX_ROWS, signal, onRows });
  // The name says that the file is cut, because CSV cannot.
  const parts = [name, ...names, ...(state.isCut ? [`first-${rows.length}`] : [])];
  const text =
    type === 'csv' ? toCsv(rows.map(toCsvRow)) : `${JSON.stringify(toJson(rows, state), null, 2)}\n`;
  download(fileName(parts, type), type === 'csv' ? 'text/csv' : 'application/json', text);
  const done = state.isCut
    ? t('export.cut', { count: rows.length })
    : t('export.done', { count: rows.length });
  return sentences(done, state.isPartial && t('store.partial'));
}
