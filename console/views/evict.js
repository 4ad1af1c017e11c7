import { announce } from '../core/announce.js';
import { post } from '../core/api.js';
import { ask } from '../core/dialogs.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { me } from '../core/session.js';

/** The button that ends sessions; nothing for those who may not. `target` is what the API takes. */
export function evictButton(target, name, count, onDone) {
  if (me.role !== 'admin') return undefined;
  const click = async (event) => {
    event.stopPropagation();
    const evicted = await askAndEvict(target, name, count);
    if (evicted === undefined) return;
    announce(t('evict.done', { count: evicted, name }));
    onDone();
  };
  return h('button', { type: 'button', class: 'danger', on: { click } }, t('evict.button'));
}

/** Asks, and ends the sessions; resolves with how many, or undefined if it was not wanted. */
function askAndEvict(target, name, count) {
  return ask(t('evict.title', { count }), (decide) => {
    const fault = h('p', { class: 'fault', role: 'alert' });
    const yes = h(
      'button',
      { type: 'button', class: 'danger solid', 'data-yes': true },
      t('evict.yes', { count }),
    );
    const no = h(
      'button',
      { type: 'button', 'data-first': true, on: { click: () => decide() } },
      t('evict.no'),
    );
    yes.addEventListener('click', async () => {
      yes.disabled = true;
      try {
        decide(await evictAll(target));
      } catch (error) {
        fault.textContent = error.message;
        yes.disabled = false;
      }
    });
    return [
      h('p', {}, t('evict.of'), ' ', h('strong', { class: 'id' }, name)),
      h('p', { class: 'small' }, t('evict.text')),
      fault,
      h('div', { class: 'buttons' }, no, yes),
    ];
  });
}

/** One call ends a bounded number of a chat server's sessions. */
async function evictAll(target) {
  let sum = 0;
  for (;;) {
    const { evicted, more } = await post('evict', target);
    sum += evicted;
    if (!more) return sum;
  }
}
