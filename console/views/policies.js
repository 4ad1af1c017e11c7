import { setParams } from '../core/address.js';
import { announce } from '../core/announce.js';
import { get } from '../core/api.js';
import { h, isInUse, replace } from '../core/dom.js';
import { pieces, t } from '../core/i18n.js';
import { callerName, line, note, outside, panel } from '../core/parts.js';
import { keyOf, policyTable } from './policyTable.js';
import { policyDetails, versionOf } from './policyTexts.js';
import { PolicyTrial } from './policyTrial.js';

const POLL_INTERVAL_MS = 5_000;

/**
 * The view of the session policies, with a dry run: `#/policies`, `#/policies?name=one-per-class`,
 * `#/policies?userId=alice&platform=ios`.
 */
export function showPolicies(main, context) {
  const page = new PoliciesPage(context);
  replace(main, h('h1', { class: 'hidden' }, t('nav.policies')), page.element);
  page.start();
}

/** The default policy, the stored ones, and the dry run. */
class PoliciesPage {
  element = h('div');
  #rules = h('div', {}, note(t('loading')));
  #trial;
  #context;
  /** What the daemon returned last. */
  #set;
  /** The name of the policy whose details are open; empty if there is none. */
  #opened;
  #timer;

  constructor(context) {
    this.#context = context;
    this.#opened = context.params.name ?? '';
    this.#trial = new PolicyTrial(context);
    this.element.append(this.#rules);
  }

  start() {
    this.#context.signal.addEventListener('abort', () => clearTimeout(this.#timer));
    void this.#load();
  }

  async #load() {
    const { signal, onState, onFault } = this.#context;
    try {
      const set = await get('policies', {}, { signal });
      // The view has no stream that would show that the daemon responds again.
      onState('none');
      if (set.revision !== this.#set?.revision && !isInUse(this.#rules)) this.#show(set);
    } catch (error) {
      if (!signal.aborted) onFault(error);
    }
    if (!signal.aborted) this.#timer = setTimeout(() => void this.#load(), POLL_INTERVAL_MS);
  }

  #show(set) {
    const isFirst = this.#set === undefined;
    this.#set = set;
    this.#draw();
    this.#trial.suggest(set);
    if (isFirst) this.#begin();
  }

  #begin() {
    const { defaultPolicy } = this.#set;
    this.element.append(this.#trial.element);
    announce(t('policies.loaded', { name: defaultPolicy, stored: this.#stored.length }));
    this.#rules.querySelector(`[data-key="${CSS.escape(keyOf(this.#opened))}"]`)?.focus();
    this.#trial.start();
  }

  get #stored() {
    return this.#set.policies.filter(({ version }) => version > 0);
  }

  #draw() {
    const { defaultPolicy, policies } = this.#set;
    const isUnknown = this.#opened !== '' && !policies.some(({ name }) => name === this.#opened);
    replace(
      this.#rules,
      defaultPanel(policies.find(({ name }) => name === defaultPolicy)),
      panel(
        t('policies.stored'),
        { id: 'policies' },
        isUnknown && note(pieces('policies.unknown', { name: outside(this.#opened) }), 'bad'),
        this.#stored.length === 0 ? note(t('policies.none')) : this.#table(),
      ),
    );
  }

  #table() {
    const { defaultPolicy } = this.#set;
    const toggle = (name) => this.#toggle(name);
    return policyTable(this.#stored, { defaultPolicy, opened: this.#opened, toggle });
  }

  #toggle(name) {
    this.#opened = this.#opened === name ? '' : name;
    setParams({ name: this.#opened });
    this.#draw();
  }
}

function defaultPanel(policy) {
  const { name, author } = policy;
  const about = [
    policy.version === 0 ? versionOf(policy) : t('policies.version', { version: versionOf(policy) }),
    author !== null && t('policies.by', { author: callerName(author) }),
  ];
  const title = h(
    'span',
    { class: 'who' },
    t('policies.default'),
    h('span', { class: 'id' }, name),
    h('span', { class: 'small' }, line(about)),
  );
  return panel(title, { id: 'default-policy' }, policyDetails(policy));
}
