import { hashOf } from '../core/address.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { sentences, t } from '../core/i18n.js';
import { note, panel } from '../core/parts.js';
import { clearSearches, recentSearches } from '../core/recent.js';
import { pathOf, SEARCHES } from './searchForm.js';
import { SessionList } from './sessionList.js';

/** Shows the sessions that a search finds: `#/users?prefix=ali`. */
export function showSearch(element, { by, text }, context) {
  let total;
  const list = new SessionList({ [SEARCHES[by]]: text }, (state) => statusOf(state, total), context);
  const title = h('span', {}, t(`foundBy.${by}`), ' ', h('span', { class: 'id' }, text));
  replace(
    element,
    panel(title, { id: 'found', tools: list.exportTools([by, text]) }, list.element),
    h('p', { class: 'small' }, t('search.bounded')),
  );
  void list.load();
  // The search works without the number.
  get('stats', {}, { signal: context.signal }).then(
    ({ devicesOnline }) => {
      total = devicesOnline;
      list.showStatus();
    },
    () => {},
  );
}

function statusOf({ count, scanned, isComplete, isRunning }, total) {
  if (isComplete) return sentences(t('search.found', { count }), t('search.all', { count: scanned }));
  const compared = { count: Math.max(total ?? 0, scanned), scanned };
  const progress =
    total === undefined ? t('search.compared', { count: scanned }) : t('search.part', compared);
  return sentences(isRunning ? t('search.running') : t('search.found', { count }), progress);
}

/** The hint and the recent searches, before there is a search. */
export function showStart(element) {
  const searches = recentSearches().filter(({ by }) => by in SEARCHES);
  const clear = () => {
    clearSearches();
    showStart(element);
    document.getElementById('search').focus();
  };
  const tools = h('button', { type: 'button', class: 'quiet', on: { click: clear } }, t('recent.clear'));
  const items = searches.map((search) => h('li', {}, linkTo(search)));
  replace(
    element,
    note(t('search.hint')),
    searches.length > 0 &&
      panel(t('recent.title'), { id: 'recent', tools }, h('ul', { class: 'recent' }, items)),
  );
}

function linkTo(search) {
  const kind = h('span', { class: 'under' }, t(`searchBy.${search.by}`));
  return h('a', { href: hashOf(...pathOf(search)) }, h('span', { class: 'id' }, search.text), kind);
}
