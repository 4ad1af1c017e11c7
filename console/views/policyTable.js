import { hashOf } from '../core/address.js';
import { h } from '../core/dom.js';
import { t } from '../core/i18n.js';
import { row, table } from '../core/tables.js';
import { authorOf, policyDetails, rulesInShort, versionOf } from './policyTexts.js';

const COLUMNS = [['policy'], ['version'], ['author', 'author'], ['limits'], ['more', 'actions']];

/** The stored policies; `toggle` receives the name of the one to open or close. */
export function policyTable(policies, { defaultPolicy, opened, toggle }) {
  const rows = policies.map((policy) => {
    const { name } = policy;
    const state = { isDefault: name === defaultPolicy, isOpen: name === opened, toggle: () => toggle(name) };
    return rowsOf(policy, state);
  });
  return table(t('policies.stored'), COLUMNS, rows);
}

/** What the row of a policy has as `data-key`. */
export function keyOf(name) {
  return `policy ${name}`;
}

function rowsOf(policy, { isDefault, isOpen, toggle }) {
  const { name } = policy;
  const cells = [
    nameOf(name, isDefault),
    versionOf(policy),
    authorOf(policy),
    rulesInShort(policy),
    detailsButton(name, isOpen, toggle),
  ];
  const detail = h('td', { colspan: COLUMNS.length }, policyDetails(policy));
  return [
    row(COLUMNS, { key: keyOf(name), open: toggle }, ...cells),
    h('tr', { class: 'detail', hidden: !isOpen }, detail),
  ];
}

function nameOf(name, isDefault) {
  return h(
    'div',
    {},
    h('a', { class: 'id', href: hashOf('policies', '', { name }) }, name),
    isDefault && h('span', { class: 'under' }, t('policies.isDefault')),
  );
}

function detailsButton(name, isOpen, click) {
  const text = t('policies.details');
  const props = {
    type: 'button',
    class: 'quiet',
    'aria-label': `${text} ${name}`,
    'aria-expanded': String(isOpen),
    'data-key': `details ${name}`,
    on: { click },
  };
  return h('button', props, text);
}
