import { setParams } from '../core/address.js';
import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { faultText, panel } from '../core/parts.js';
import { isToken } from '../core/recent.js';
import { verdictOf } from './policyVerdict.js';
import { TrialField } from './trialField.js';

const PLATFORMS = 'trial-platforms';

/** The form of a dry run, and what came of it. The URL has the values of the form. */
export class PolicyTrial {
  element;
  #context;
  #select;
  #platforms = h('datalist', { id: PLATFORMS });
  /** In the order of the form, by the parameter of the URL and of the HTTP API. */
  #fields;
  #fault = h('p', { class: 'fault', role: 'alert' });
  #result = h('div', { id: 'verdict' });
  /** The values of the latest dry run. */
  #latest;

  constructor(context) {
    this.#context = context;
    const { userId, platform, deviceId, policy } = context.params;
    this.#select = h('select', {}, h('option', { value: policy ?? '' }));
    this.#fields = {
      userId: new TrialField('userId', textInput(userId)),
      platform: new TrialField('platform', textInput(platform, { list: PLATFORMS })),
      deviceId: new TrialField('deviceId', textInput(deviceId, { placeholder: t('trial.newDevice') })),
      policy: new TrialField('policy', this.#select),
    };
    this.element = panel(
      t('trial.title'),
      { id: 'trial' },
      h('p', { class: 'lead' }, t('trial.text')),
      this.#form(),
      this.#result,
    );
  }

  /** Suggests the default policy and the stored ones, and the platforms that they name. */
  suggest({ defaultPolicy, policies }) {
    const stored = policies.filter(({ version }) => version > 0).map(({ name }) => name);
    const chosen = this.#select.value;
    // The URL may name a preset.
    const names = chosen === '' || stored.includes(chosen) ? stored : [...stored, chosen];
    const byDefault = h('option', { value: '' }, t('trial.byDefault', { name: defaultPolicy }));
    const options = names.map((name) => h('option', { value: name, selected: name === chosen }, name));
    replace(this.#select, byDefault, options);
    const platforms = new Set(policies.flatMap(({ classes }) => Object.values(classes).flat()));
    replace(
      this.#platforms,
      [...platforms].sort().map((value) => h('option', { value })),
    );
  }

  /** Tries the login of the URL, if it has one. */
  start() {
    if (this.#context.params.userId) void this.#run();
  }

  #form() {
    const submit = (event) => {
      event.preventDefault();
      void this.#submit();
    };
    return h(
      'form',
      { class: 'trial', on: { submit } },
      Object.values(this.#fields).map(({ element }) => element),
      h('button', { type: 'submit', class: 'solid' }, t('trial.button')),
      this.#platforms,
      this.#fault,
    );
  }

  async #submit() {
    const secret = Object.values(this.#fields).find(({ value }) => isToken(value));
    if (secret !== undefined) {
      this.#showFault(t('search.token'), secret);
      return;
    }
    setParams(this.#values);
    await this.#run();
  }

  async #run() {
    const { signal, onFault } = this.#context;
    const values = this.#values;
    this.#latest = values;
    try {
      const decision = await get('policies/explain', values, { signal });
      if (values === this.#latest) this.#showVerdict(decision);
    } catch (error) {
      if (signal.aborted || values !== this.#latest) return;
      if (error.code === 'UNAUTHENTICATED') onFault(error);
      else this.#showFault(faultText(error), this.#fields[error.field]);
    }
  }

  #showVerdict(decision) {
    const { text, content } = verdictOf(decision);
    this.#showFault('');
    replace(this.#result, content);
    announce(text);
  }

  get #values() {
    return Object.fromEntries(Object.entries(this.#fields).map(([name, { value }]) => [name, value]));
  }

  /** Shows an error at its field, or else below the form, instead of a result. */
  #showFault(text, field) {
    for (const each of Object.values(this.#fields)) each.showFault(each === field ? text : '');
    this.#fault.textContent = field === undefined ? text : '';
    replace(this.#result);
    field?.focus();
  }
}

function textInput(value, more = {}) {
  return h('input', {
    type: 'text',
    value,
    maxlength: 256,
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    ...more,
  });
}
