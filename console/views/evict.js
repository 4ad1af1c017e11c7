import { announce } from '../core/announce.js';
import { post } from '../core/api.js';
import { ask } from '../core/dialogs.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { faultText } from '../core/parts.js';
import { me } from '../core/session.js';

/** A button that evicts `target`, which has `count` sessions; undefined without the role `admin`. */
export function evictButton(target, { name, count, text = t('evict.button'), onDone }) {
  if (me.role !== 'admin') return undefined;
  const click = async () => {
    const evicted = await askAndEvict(target, name, count);
    if (evicted === undefined) return;
    announce(t('evict.done', { count: evicted, name }));
    onDone();
  };
  const props = {
    type: 'button',
    class: 'danger',
    'aria-label': `${text} ${name}`,
    'data-key': `evict ${name}`,
  };
  return h('button', { ...props, on: { click } }, text);
}

/** Asks for confirmation, and evicts. Resolves with the number of sessions, or undefined if cancelled. */
function askAndEvict(target, name, count) {
  return ask(t('evict.title', { count }), (decide) => {
    const fault = h('p', { class: 'fault', role: 'alert' });
    const end = async () => {
      yes.disabled = true;
      try {
        decide(await evictAll(target));
      } catch (error) {
        fault.textContent = faultText(error);
        yes.disabled = false;
      }
    };
    const cancel = () => decide();
    const no = h('button', { type: 'button', 'data-first': true, on: { click: cancel } }, t('evict.no'));
    const yes = h(
      'button',
      { type: 'button', class: 'danger solid', on: { click: end } },
      t('evict.yes', { count }),
    );
    return [
      h('p', {}, h('strong', { class: 'id' }, name)),
      h('p', {}, t('evict.text', { count })),
      fault,
      h('div', { class: 'buttons' }, no, yes),
    ];
  });
}

/** Evicts until no session is left: one call ends a limited number. */
async function evictAll(target) {
  let sum = 0;
  for (;;) {
    const { evicted, more } = await post('evict', target);
    sum += evicted;
    if (!more) return sum;
  }
}
