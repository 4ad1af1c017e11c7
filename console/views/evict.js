import { announce } from '../core/announce.js';
import { post } from '../core/api.js';
import { ask } from '../core/dialogs.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { faultText, outside } from '../core/parts.js';
import { me } from '../core/session.js';
import { ReasonField } from './reasonField.js';

/**
 * A button that evicts `target`, which has `count` sessions, and a `label` if it is a device that has one;
 * undefined without the role `admin`.
 */
export function evictButton(target, { name, label, count, text = t('evict.button'), onDone }) {
  if (me.role !== 'admin') return undefined;
  const click = async () => {
    const make = (decide) => evictForm(target, { name, label, count }, decide);
    const evicted = await ask(t('evict.title', { count }), make);
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

/** Asks for a reason and a confirmation, evicts, and decides on the number of sessions that ended. */
function evictForm(target, { name, label, count }, decide) {
  const reason = new ReasonField();
  const fault = h('p', { class: 'fault', role: 'alert' });
  const submit = async (event) => {
    event.preventDefault();
    if (reason.isTooLong) {
      reason.focus();
      return;
    }
    fault.textContent = '';
    yes.disabled = true;
    try {
      decide(await evictAll({ ...target, ...(reason.value !== '' && { reason: reason.value }) }));
    } catch (error) {
      yes.disabled = false;
      if (error.field === 'reason') {
        reason.showFault(faultText(error));
        reason.focus();
      } else fault.textContent = faultText(error);
    }
  };
  const cancel = () => decide();
  const no = h('button', { type: 'button', 'data-first': true, on: { click: cancel } }, t('evict.no'));
  const yes = h('button', { type: 'submit', class: 'danger solid' }, t('evict.yes', { count }));
  return h(
    'form',
    { on: { submit } },
    h('p', {}, label && outside(label, 'label'), h('strong', { class: 'id' }, name)),
    h('p', {}, t('evict.text', { count })),
    reason.element,
    fault,
    h('div', { class: 'buttons' }, no, yes),
  );
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
