import { h } from '../core/dom.js';
import { duration, has, number, t } from '../core/i18n.js';
import { none, outside } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { pauseButton } from './pauseRelay.js';

const COLUMNS = [
  ['relay', 'name'],
  ['state'],
  ['holder', 'name'],
  ['deliversTo', 'name'],
  ['delivered', 'number'],
  ['failed', 'number'],
  ['lag', 'lag'],
  ['lastError', 'error'],
  ['action', 'actions'],
];
/** A state has the colour of a state of sessions. */
const TONES = { RUNNING: 'online', PAUSED: 'EXPIRED', STOPPED: 'EVICTED' };

/** The relays, one a row; `onDone` is called when one was paused or resumed. */
export function relayTable(relays, onDone) {
  const rows = relays.map((relay) => rowOf(relay, onDone));
  return table(t('relays.title'), COLUMNS, rows);
}

function rowOf(relay, onDone) {
  const { name, holder, target, delivered, failed, lastError } = relay;
  return row(
    COLUMNS,
    { key: `relay ${name}` },
    h('span', { class: 'id' }, name),
    stateBadge(relay),
    holder === null ? none() : outside(holder),
    outside(target, 'code'),
    number(delivered),
    number(failed),
    lagOf(relay),
    lastError === null ? none() : outside(lastError),
    pauseButton(relay, onDone),
  );
}

/** A newer daemon may return unknown states. */
function stateBadge({ state }) {
  const text = has(`relayState.${state}`) ? t(`relayState.${state}`) : state;
  return h('span', { class: `badge ${TONES[state] ?? ''}`.trim() }, text);
}

/** The age of the oldest change that is not delivered, and how many there are. */
function lagOf({ lagMs, lagChanges, isBehindLog }) {
  if (isBehindLog) return h('span', { class: 'badge EXPIRED' }, t('relays.gone'));
  if (lagMs === null || lagChanges === null) return none(t('relays.lagUnknown'));
  if (lagChanges === 0) return none(t('relays.noLag'));
  const changes = t('relays.changes', { count: lagChanges });
  return h('div', {}, h('span', {}, duration(lagMs)), h('span', { class: 'under' }, changes));
}
