import { hashOf } from '../core/address.js';
import { h } from '../core/dom.js';
import { has, t } from '../core/i18n.js';
import { translateMessage } from '../core/messages.js';
import { line, serverName } from '../core/parts.js';

/** How pseudonyms of users begin, as in src/store/pseudonym.ts. */
const PSEUDONYM = 'erased:';
const BADGES = { OK: 'online', DENIED: 'EXPIRED', FAILED: 'EVICTED' };

/** The name of an act. A newer daemon may return unknown acts. */
export function actionName(action) {
  return has(`act.${action}`) ? t(`act.${action}`) : action;
}

/** The name of who acted. Without a credential, the daemon writes it in English. */
export function identityName({ kind, name }) {
  return has(`who.${kind}`) ? t(`who.${kind}`) : name;
}

/** The name of an outcome. */
export function outcomeName(outcome) {
  return has(`outcome.${outcome}`) ? t(`outcome.${outcome}`) : outcome;
}

/** A badge that shows by colour and text how an act ended. */
export function outcomeBadge({ outcome }) {
  return h('span', { class: `badge ${BADGES[outcome] ?? ''}`.trim() }, outcomeName(outcome));
}

/** What an act was done to, with a link to the user or the chat server. */
export function targetOf({ type, userId, deviceId, sessionId, serverAddr, name }) {
  if (userId !== null) {
    const under = line([deviceId, sessionId]);
    const link = h('a', { class: 'id', href: linkOf(userId) }, userId);
    return h('div', {}, link, under.length > 0 && h('span', { class: 'under' }, under));
  }
  if (serverAddr !== null) return serverName(serverAddr);
  const kind = has(`target.${type}`) ? t(`target.${type}`) : type;
  if (name === null) return kind;
  return h('div', {}, h('span', { class: 'id' }, name), h('span', { class: 'under' }, kind));
}

/** The page of a user; of one who was erased, all acts under the pseudonym. */
function linkOf(userId) {
  if (!userId.startsWith(PSEUDONYM)) return hashOf('users', userId);
  return hashOf('audit', new URLSearchParams({ userId }).toString());
}

/** What came of an act. The daemon writes it in English. */
export function detailOf({ detail, omitted }) {
  const text = detail === null ? '' : (translateMessage(detail) ?? detail);
  const more = omitted > 0 ? t('audit.omitted', { count: omitted }) : '';
  return [text, more].filter(Boolean).join(' · ');
}
