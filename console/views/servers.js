import { h } from '../core/dom.js';
import { number, t } from '../core/i18n.js';
import { none, note, serverName, since } from '../core/parts.js';
import { row, table } from '../core/tables.js';
import { drainButton } from './drain.js';
import { evictButton } from './evict.js';

const SERVERS = [
  ['server'],
  ['sessions', 'number'],
  ['lease'],
  ['runsOut'],
  ['incarnation'],
  ['action', 'actions'],
];
const PLATFORMS = [['platform'], ['devices', 'number']];
const DAEMONS = [['daemon'], ['state'], ['store']];
/** How many characters of a store ID are shown, as in `imstate endpoints`. */
const STORE_ID_LENGTH = 8;
/** A lease has the colour of the state of its sessions. */
const TONES = { ALIVE: 'online', RESYNC: 'EXPIRED', DRAINING: 'EXPIRED', LOST: 'SERVER_LOST' };

/** The chat servers with their leases; a row opens the sessions of the chat server. */
export function serverTable(servers, go, onDone) {
  if (servers.length === 0) return note(t('servers.none'));
  const max = Math.max(...servers.map(({ sessions }) => sessions), 1);
  const rows = servers.map(({ serverAddr, sessions, lease }) =>
    row(
      SERVERS,
      { key: `row ${serverAddr}`, open: () => go('sessions', serverAddr) },
      serverName(serverAddr),
      countOf(sessions, max),
      lease === null ? none(t('lease.none')) : leaseBadge(lease),
      since(lease?.expireTime),
      lease === null ? none() : h('span', { class: 'code' }, String(lease.incarnation)),
      actionsOf({ serverAddr, sessions, lease }, onDone),
    ),
  );
  return table(t('servers.title'), SERVERS, rows);
}

function actionsOf(server, onDone) {
  const { serverAddr, sessions } = server;
  const evict = sessions > 0 && evictButton({ serverAddr }, { name: serverAddr, count: sessions, onDone });
  return h('div', { class: 'buttons' }, drainButton(server, onDone), evict);
}

/** The number of online devices per platform. */
export function platformTable({ devicesByPlatform }) {
  const all = Object.entries(devicesByPlatform).sort(([, a], [, b]) => b - a);
  if (all.length === 0) return note(t('platforms.none'));
  const [[, max]] = all;
  const rows = all.map(([platform, count]) =>
    row(PLATFORMS, {}, platform === '' ? none(t('platforms.unnamed')) : platform, countOf(count, max)),
  );
  return table(t('platforms.title'), PLATFORMS, rows, { kind: 'brief' });
}

/** The registered daemons with their stores, and which one serves this page. */
export function daemonTable(endpoints) {
  if (endpoints.length === 0) return note(t('daemons.none'));
  const rows = endpoints.map(({ addr, self, storeId }) =>
    row(
      DAEMONS,
      {},
      h('span', { class: 'code' }, addr),
      h(
        'div',
        {},
        h('span', { class: 'badge online' }, t('daemons.registered')),
        self && h('span', { class: 'under' }, t('daemons.self')),
      ),
      storeId === null
        ? none()
        : h('span', { class: 'code', title: storeId }, storeId.slice(0, STORE_ID_LENGTH)),
    ),
  );
  return table(t('daemons.title'), DAEMONS, rows, { kind: 'brief' });
}

function countOf(value, max) {
  const meter = h('meter', { min: 0, max: max, value, 'aria-hidden': 'true' });
  return h('div', {}, h('span', {}, number(value)), meter);
}

function leaseBadge({ state }) {
  return h('span', { class: `badge ${TONES[state] ?? ''}` }, t(`lease.${state}`));
}
