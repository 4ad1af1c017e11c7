import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';

/** As in src/presence/limits.ts; a test compares the two. */
const MAX_BYTES = 256;

/** The field for the reason text of an eviction, which may stay empty. */
export class ReasonField {
  element;
  #input = h('input', {
    id: 'reason',
    type: 'text',
    autocomplete: 'off',
    dir: 'auto',
    'aria-describedby': 'reason-fault reason-use',
    on: { input: () => this.#showBytes() },
  });
  #fault = h('p', { id: 'reason-fault', class: 'fault', role: 'alert' });
  #bytes = h('span');

  constructor() {
    this.element = h(
      'div',
      { class: 'field' },
      h('label', { for: this.#input.id }, t('evict.reason')),
      this.#input,
      this.#fault,
      h('p', { class: 'small' }, h('span', { id: 'reason-use' }, t('evict.reasonUse')), this.#bytes),
    );
    this.#showBytes();
  }

  /** The reason text; empty if there is none. */
  get value() {
    return this.#input.value.trim();
  }

  get isTooLong() {
    return this.#size > MAX_BYTES;
  }

  /** Shows an error at the field; an empty one removes it. */
  showFault(text) {
    // Screen readers would read the text again.
    if (this.#fault.textContent !== text) this.#fault.textContent = text;
    this.#input.setAttribute('aria-invalid', String(text !== ''));
  }

  focus() {
    this.#input.focus();
  }

  get #size() {
    return new TextEncoder().encode(this.value).length;
  }

  #showBytes() {
    this.#bytes.textContent = t('evict.bytes', { used: this.#size, max: MAX_BYTES });
    this.showFault(this.isTooLong ? t('evict.tooLong', { max: MAX_BYTES }) : '');
  }
}
