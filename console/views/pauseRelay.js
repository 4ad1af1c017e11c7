import { announce } from '../core/announce.js';
import { post } from '../core/api.js';
import { ask } from '../core/dialogs.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { faultText } from '../core/parts.js';
import { me } from '../core/session.js';

/** A button that pauses a relay, or resumes it; undefined without the role `admin`. */
export function pauseButton({ name, state }, onDone) {
  if (me.role !== 'admin') return undefined;
  const isPaused = state === 'PAUSED';
  const text = isPaused ? t('relays.resume') : t('relays.pause');
  const click = async () => {
    const title = isPaused ? t('relays.resumeTitle') : t('relays.pauseTitle');
    const relay = await ask(title, (decide) => pauseForm({ name, isPaused }, decide));
    if (relay === undefined) return;
    announce(isPaused ? t('relays.resumed', { name }) : t('relays.paused', { name }));
    onDone();
  };
  const props = { type: 'button', 'aria-label': `${text} ${name}`, 'data-key': `pause ${name}` };
  return h('button', { ...props, on: { click } }, text);
}

/** Asks for a confirmation, pauses or resumes, and decides on the response. */
function pauseForm({ name, isPaused }, decide) {
  const fault = h('p', { class: 'fault', role: 'alert' });
  const submit = async (event) => {
    event.preventDefault();
    fault.textContent = '';
    yes.disabled = true;
    try {
      decide(await post(`relays/${encodeURIComponent(name)}/${isPaused ? 'resume' : 'pause'}`, {}));
    } catch (error) {
      fault.textContent = faultText(error);
      yes.disabled = false;
    }
  };
  const cancel = () => decide();
  const no = h('button', { type: 'button', 'data-first': true, on: { click: cancel } }, t('relays.cancel'));
  const yes = h(
    'button',
    { type: 'submit', class: 'solid' },
    isPaused ? t('relays.resume') : t('relays.pause'),
  );
  return h(
    'form',
    { on: { submit } },
    h('p', {}, h('strong', { class: 'id' }, name)),
    h('p', {}, isPaused ? t('relays.resumeText') : t('relays.pauseText')),
    fault,
    h('div', { class: 'buttons' }, no, yes),
  );
}
