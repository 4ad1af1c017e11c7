import { h } from '../core/dom.js';
import { listed, pieces, t } from '../core/i18n.js';
import { callerName, line, none, outside } from '../core/parts.js';

/** The class of the platforms that a policy names in no class. */
const OTHER_CLASS = 'other';

/** The sessions that a limit allows: "At most 1 session of class mobile". */
export function limitName({ per, max, class: className }) {
  return t(`limit.${per}`, { count: max, class: className });
}

/** The rules of a policy in short. */
export function rulesInShort({ limits, exclusive }) {
  const rules = [
    ...limits.map(limitInShort),
    ...exclusive.map((classes) => t('short.exclusive', { classes: listed(classes) })),
  ];
  return rules.length === 0
    ? none(t('policies.unlimited'))
    : h('span', { class: 'piece' }, rules.join(' · '));
}

/** The classes and rules of a policy in sentences. */
export function policyDetails(policy) {
  const facts = factsOf(policy).map(factOf);
  return [
    keepsAll(policy) && h('p', {}, t('policies.keepsAll')),
    facts.length > 0 && h('dl', { class: 'facts' }, facts),
  ];
}

/** The version of a policy, or that it is built in. */
export function versionOf({ version }) {
  return version === 0 ? t('policies.preset') : String(version);
}

/** Who changed a policy last. */
export function authorOf({ author }) {
  return author === null ? none() : outside(callerName(author));
}

function limitInShort({ per, max, class: className, onConflict }) {
  const limit = t(`short.${per}`, { max, class: className });
  return onConflict === 'REJECT' ? t('short.reject', { limit }) : limit;
}

function keepsAll({ limits, exclusive }) {
  return limits.length === 0 && exclusive.length === 0;
}

function factsOf({ classes, limits, exclusive }) {
  const hasClasses = Object.keys(classes).length > 0 || limits.some(({ per }) => per === 'class');
  return [
    ['classes', hasClasses && h('ul', { class: 'rules' }, classItems(classes))],
    ['limits', limits.length > 0 && h('ol', { class: 'rules' }, limits.map(limitItem))],
    ['exclusive', exclusive.length > 0 && h('ul', { class: 'rules' }, exclusive.map(exclusiveItem))],
  ].filter(([, list]) => list);
}

function factOf([name, list]) {
  return [h('dt', {}, t(`rule.${name}`)), h('dd', {}, list)];
}

function classItems(classes) {
  const named = Object.entries(classes);
  const others = named.length > 0 ? t('policies.otherPlatforms') : t('policies.allPlatforms');
  return [
    ...named.map(([name, platforms]) => classItem(name, line(platforms, ', '))),
    classItem(OTHER_CLASS, others),
  ];
}

function classItem(name, platforms) {
  return h('li', {}, pieces('policies.class', { name: h('span', { class: 'code' }, name), platforms }));
}

function limitItem(limit) {
  const outcome = t(`conflict.${limit.onConflict}`);
  return h('li', {}, t('limits.sentence', { limit: limitName(limit), outcome }));
}

function exclusiveItem(classes) {
  return h('li', {}, t('exclusive.sentence', { classes: listed(classes) }));
}
