import { get } from '../core/api.js';
import { h, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { number, t } from '../core/i18n.js';
import { row } from '../core/keys.js';
import { note, panel, since, table } from '../core/parts.js';
import { Chart } from './charts.js';
import { evictButton } from './evict.js';

/** How often what is not told by itself is asked for. */
const ASK_MS = 3_000;
const MOST_POINTS = 600;
const PAGE = 1_000;

/** The view of all: counts, charts, chat servers, daemons. */
export function showCluster(main, context) {
  const tiles = h('div', { class: 'tiles' });
  const online = new Chart(
    [
      [t('count.users'), 'accent'],
      [t('count.devices'), 'ok'],
    ],
    MOST_POINTS,
  );
  const changes = new Chart([[t('count.changes'), 'warn']], MOST_POINTS);
  const places = { servers: h('div', {}, note(t('loading'))), platforms: h('div'), daemons: h('div') };
  replace(
    main,
    h('h1', { class: 'hidden' }, t('nav.cluster')),
    tiles,
    h(
      'div',
      { class: 'halves' },
      panel(t('chart.online'), { id: 'online' }, online.element),
      panel(t('chart.changes'), { id: 'rate' }, changes.element),
    ),
    panel(t('servers.title'), { id: 'servers' }, places.servers),
    h(
      'div',
      { class: 'halves' },
      panel(t('platforms.title'), { id: 'platforms' }, places.platforms),
      panel(t('daemons.title'), { id: 'daemons' }, places.daemons),
    ),
  );
  const counts = { users: '–', devices: '–', rate: '–', servers: '–', daemons: '–' };
  showTiles(tiles, counts);
  followStats(context, (samples) => {
    const times = samples.map(({ time }) => Date.parse(time) / 1_000);
    online.push(samples.map(({ usersOnline, devicesOnline }, i) => [times[i], usersOnline, devicesOnline]));
    changes.push(samples.map(({ changesPerSecond }, i) => [times[i], changesPerSecond]));
    const { usersOnline, devicesOnline, changesPerSecond } = samples.at(-1);
    Object.assign(counts, { users: number(usersOnline), devices: number(devicesOnline) });
    counts.rate = changesPerSecond === null ? '–' : number(changesPerSecond);
    showTiles(tiles, counts);
  });
  const load = () =>
    loadAll(places, context, load).then((found) => found && showTiles(tiles, Object.assign(counts, found)));
  void load();
  const timer = setInterval(load, ASK_MS);
  const recolor = () => {
    online.redraw();
    changes.redraw();
  };
  document.addEventListener('themechange', recolor);
  context.signal.addEventListener('abort', () => {
    clearInterval(timer);
    document.removeEventListener('themechange', recolor);
    online.close();
    changes.close();
  });
}

function showTiles(place, counts) {
  const tile = ([name, value]) =>
    h(
      'div',
      { class: 'tile' },
      h('span', { class: 'value', id: `count-${name}` }, value),
      h('span', {}, t(`tile.${name}`)),
    );
  replace(place, Object.entries(counts).map(tile));
}

/** Samples that come in one turn are drawn once. */
function followStats({ signal, onState, onFault }, draw) {
  let waiting = [];
  let known = 0;
  const onEvent = (sample) => {
    // A stream that begins anew begins with what was told before.
    if (sample.type !== 'stats' || Date.parse(sample.time) <= known) return;
    known = Date.parse(sample.time);
    if (waiting.push(sample) > 1) return;
    queueMicrotask(() => {
      const samples = waiting;
      waiting = [];
      if (!signal.aborted) draw(samples);
    });
  };
  follow('stats/watch', {}, { signal, onEvent, onState }).catch(onFault);
}

async function loadAll(places, { signal, go, onFault, onAnswer }, reload) {
  // Whoever is about to press a button must not have it taken away.
  if (places.servers.contains(document.activeElement) || document.querySelector('dialog[open]'))
    return undefined;
  try {
    const [{ servers, nextPageToken }, stats, { endpoints }] = await Promise.all([
      get('servers', { pageSize: PAGE }, { signal }),
      get('stats', {}, { signal }),
      get('endpoints', {}, { signal }),
    ]);
    replace(
      places.servers,
      serverTable(servers, go, reload),
      nextPageToken && note(t('servers.cut', { count: PAGE })),
    );
    replace(places.platforms, platformList(stats));
    replace(places.daemons, daemonTable(endpoints));
    onAnswer();
    return {
      servers: number(servers.length) + (nextPageToken ? '+' : ''),
      daemons: number(endpoints.length),
    };
  } catch (error) {
    if (!signal.aborted) onFault(error);
    return undefined;
  }
}

function serverTable(servers, go, reload) {
  if (servers.length === 0) return note(t('servers.none'));
  const most = Math.max(...servers.map(({ sessions }) => sessions), 1);
  const head = ['server', 'sessions', 'lease', 'runsOut', 'incarnation', 'none'].map((name) =>
    t(`column.${name}`),
  );
  const rows = servers.map(({ serverAddr, sessions, lease }) =>
    row(
      {},
      () => go('changes', `server=${serverAddr}`),
      h('td', {}, h('span', { class: 'code' }, serverAddr)),
      h('td', { class: 'number' }, h('span', {}, number(sessions)), share(sessions, most)),
      h('td', {}, leaseBadge(lease)),
      h('td', {}, since(lease?.expireTime)),
      h(
        'td',
        {},
        lease ? h('span', { class: 'code' }, String(lease.incarnation)) : h('span', { class: 'none' }, '–'),
      ),
      h(
        'td',
        { class: 'actions' },
        sessions > 0 && evictButton({ serverAddr }, serverAddr, sessions, reload),
      ),
    ),
  );
  return table(t('servers.title'), head, rows);
}

function leaseBadge(lease) {
  if (lease === null) return h('span', { class: 'none' }, t('lease.none'));
  const kind = { ALIVE: 'online', RESYNC: 'EXPIRED', LOST: 'SERVER_LOST' }[lease.state] ?? '';
  return h('span', { class: `badge ${kind}` }, t(`lease.${lease.state}`));
}

function share(value, most) {
  return h('meter', { min: 0, max: most, value, 'aria-hidden': 'true', tabindex: '-1' });
}

function platformList({ devicesByPlatform }) {
  const all = Object.entries(devicesByPlatform).sort(([, a], [, b]) => b - a);
  if (all.length === 0) return note(t('platforms.none'));
  const most = all[0][1];
  const rows = all.map(([platform, count]) =>
    row(
      {},
      undefined,
      h('td', {}, platform === '' ? h('span', { class: 'none' }, t('platforms.unnamed')) : platform),
      h('td', { class: 'number' }, h('span', {}, number(count)), share(count, most)),
    ),
  );
  return table(t('platforms.title'), [t('column.platform'), t('column.devices')], rows);
}

function daemonTable(endpoints) {
  const rows = endpoints.map(({ addr, self }) =>
    row(
      {},
      undefined,
      h('td', {}, h('span', { class: 'code' }, addr)),
      h(
        'td',
        {},
        h('span', { class: 'badge online' }, t('daemons.registered')),
        self && h('span', { class: 'under' }, t('daemons.self')),
      ),
    ),
  );
  return rows.length === 0
    ? note(t('daemons.none'))
    : table(t('daemons.title'), [t('column.daemon'), t('column.state')], rows);
}
