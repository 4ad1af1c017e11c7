import { get } from '../core/api.js';
import { h, isInUse, replace } from '../core/dom.js';
import { duration, t } from '../core/i18n.js';
import { none, note, panel } from '../core/parts.js';
import { row, table } from '../core/tables.js';

const POLL_INTERVAL_MS = 5_000;
const COLUMNS = [['daemon'], ['health', 'state'], ['latency'], ['version'], ['uptime'], ['store']];
/** How many characters of a store ID are shown, as in `imstate endpoints`. */
const STORE_ID_LENGTH = 8;
/** A health has the colour of a state of sessions. */
const TONES = { SERVING: 'online', NOT_SERVING: 'EXPIRED', UNREACHABLE: 'EVICTED' };

/** The view of the registered daemons: health, latency, version, uptime and store. */
export function showDaemons(main, { signal, onState, onFault, onResponse }) {
  const content = h('div', {}, note(t('loading')));
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.daemons')),
    panel(t('daemons.title'), { id: 'daemons' }, content, h('p', { class: 'small' }, t('daemons.measured'))),
  );
  const load = async () => {
    try {
      const { endpoints } = await get('endpoints', { check: 'true' }, { signal });
      if (!isInUse(content)) replace(content, daemonTable(endpoints), warnings(endpoints));
      onState('none');
      onResponse();
    } catch (error) {
      if (!signal.aborted) onFault(error);
    }
    if (!signal.aborted) timer = setTimeout(load, POLL_INTERVAL_MS);
  };
  let timer;
  signal.addEventListener('abort', () => clearTimeout(timer));
  void load();
}

function daemonTable(endpoints) {
  if (endpoints.length === 0) return note(t('daemons.none'));
  const byAddr = endpoints.toSorted((a, b) => a.addr.localeCompare(b.addr, undefined, { numeric: true }));
  return table(t('daemons.title'), COLUMNS, byAddr.map(rowOf));
}

function rowOf({ addr, self, health, latencyMs, version, uptimeMs, storeId }) {
  const badge = h('span', { class: `badge ${TONES[health] ?? ''}`.trim() }, t(`health.${health}`));
  return row(
    COLUMNS,
    { key: `daemon ${addr}` },
    h(
      'div',
      {},
      h('span', { class: 'code' }, addr),
      self && h('span', { class: 'under' }, t('daemons.self')),
    ),
    badge,
    latencyMs === null ? none() : t('unit.millisecond', { n: latencyMs }),
    version ?? none(),
    uptimeMs === null ? none() : duration(uptimeMs),
    storeId === null
      ? none()
      : h('span', { class: 'code', title: storeId }, storeId.slice(0, STORE_ID_LENGTH)),
  );
}

/** What is wrong about the daemons together, as `imstate endpoints` and `imstate doctor` warn of it. */
function warnings(endpoints) {
  const stores = new Set(endpoints.flatMap(({ storeId }) => storeId ?? []));
  const versions = new Set(endpoints.flatMap(({ version }) => version ?? []));
  return [
    stores.size > 1 && note(t('daemons.stores', { count: stores.size }), 'bad'),
    versions.size > 1 && note(t('daemons.versions', { count: versions.size }), 'bad'),
  ];
}
