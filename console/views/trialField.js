import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';

/** A field of the dry run: an input or a select with its label above, and the place for an error below. */
export class TrialField {
  element;
  #control;
  #fault;

  constructor(name, control) {
    const id = `trial-${name}`;
    this.#control = control;
    this.#fault = h('p', { id: `${id}-fault`, class: 'fault', role: 'alert' });
    control.id = id;
    control.setAttribute('aria-describedby', this.#fault.id);
    this.element = h(
      'div',
      { class: 'field' },
      h('label', { for: id }, t(`trialOf.${name}`)),
      control,
      this.#fault,
    );
  }

  get value() {
    return this.#control.value.trim();
  }

  /** Shows an error; an empty one removes it. */
  showFault(text) {
    this.#fault.textContent = text;
    this.#control.setAttribute('aria-invalid', String(text !== ''));
  }

  focus() {
    this.#control.focus();
  }
}
