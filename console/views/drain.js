import { announce } from '../core/announce.js';
import { post } from '../core/api.js';
import { ask } from '../core/dialogs.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { faultText } from '../core/parts.js';
import { me } from '../core/session.js';

const DEFAULT_MINUTES = 1;
const MAX_MINUTES = 60;

/**
 * A button that begins the drain of a chat server, or cancels it; undefined without the role `admin`, and for a
 * chat server without a valid lease, which cannot drain.
 */
export function drainButton({ serverAddr, sessions, lease }, onDone) {
  if (me.role !== 'admin' || lease === null || lease.state === 'LOST') return undefined;
  const isDraining = lease.state === 'DRAINING';
  const text = isDraining ? t('drain.cancel') : t('drain.button');
  const click = async () => {
    const make = (decide) => drainForm({ serverAddr, sessions, isDraining }, decide);
    const drain = await ask(isDraining ? t('drain.cancelTitle') : t('drain.title'), make);
    if (drain === undefined) return;
    const name = serverAddr;
    announce(isDraining ? t('drain.cancelled', { name }) : t('drain.begun', { name }));
    onDone();
  };
  const props = { type: 'button', 'aria-label': `${text} ${serverAddr}`, 'data-key': `drain ${serverAddr}` };
  return h('button', { ...props, on: { click } }, text);
}

/** Asks for the time and a confirmation, drains, and decides on the response. */
function drainForm({ serverAddr, sessions, isDraining }, decide) {
  const fault = h('p', { class: 'fault', role: 'alert' });
  const minutes = h('input', {
    id: 'drain-minutes',
    type: 'number',
    min: 0,
    max: MAX_MINUTES,
    step: 'any',
    required: true,
    value: DEFAULT_MINUTES,
  });
  const submit = async (event) => {
    event.preventDefault();
    fault.textContent = '';
    yes.disabled = true;
    const how = isDraining ? { cancel: true } : { overMs: Math.round(minutes.valueAsNumber * 60_000) };
    try {
      const drain = await post('drain', { serverAddr, ...how });
      if (!drain.partial) return decide(drain);
      fault.textContent = t('drain.partial');
    } catch (error) {
      fault.textContent = faultText(error);
    }
    yes.disabled = false;
  };
  const no = h(
    'button',
    { type: 'button', 'data-first': true, on: { click: () => decide() } },
    t('drain.no'),
  );
  const yes = h(
    'button',
    { type: 'submit', class: 'solid' },
    isDraining ? t('drain.cancel') : t('drain.yes'),
  );
  return h(
    'form',
    { on: { submit } },
    h('p', {}, h('strong', { class: 'id' }, serverAddr)),
    h(
      'p',
      {},
      isDraining ? t('drain.cancelText', { count: sessions }) : t('drain.text', { count: sessions }),
    ),
    !isDraining && h('label', { for: minutes.id }, t('drain.minutes'), minutes),
    fault,
    h('div', { class: 'buttons' }, no, yes),
  );
}
