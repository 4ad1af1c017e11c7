import { hashOf } from '../core/address.js';
import { h, replace } from '../core/dom.js';
import { clock, t } from '../core/i18n.js';
import { panel } from '../core/parts.js';
import { timedText } from '../core/times.js';
import { SessionList } from './sessionList.js';

/** The view of the sessions of a chat server: `#/sessions/10.0.0.1:9000`. */
export function showSessions(main, { argument: serverAddr, ...context }) {
  if (serverAddr === '') {
    location.replace(hashOf('cluster'));
    return;
  }
  const list = new SessionList({ serverAddr }, statusOf, context);
  const loadedAt = new Date();
  const title = h('span', { class: 'who id' }, serverAddr);
  const refresh = () => context.go('sessions', serverAddr);
  const links = h(
    'p',
    { class: 'links' },
    h('a', { href: hashOf('changes', `server=${serverAddr}`) }, t('sessions.changes')),
    h('a', { href: hashOf('cluster') }, t('sessions.all')),
    h('button', { type: 'button', class: 'quiet', on: { click: refresh } }, t('sessions.refresh')),
    h(
      'span',
      { class: 'small' },
      timedText(() => t('sessions.asOf', { time: clock(loadedAt) })),
    ),
  );
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.sessions')),
    panel(title, { id: 'sessions', tools: list.exportTools([serverAddr]) }, links, list.element),
  );
  void list.load();
}

function statusOf({ count, isComplete, isRunning }) {
  if (count === 0) return isRunning || !isComplete ? t('loading') : t('sessions.none');
  return isComplete ? t('sessions.count', { count }) : t('sessions.some', { count });
}
