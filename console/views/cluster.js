import { hashOf } from '../core/address.js';
import { get } from '../core/api.js';
import { isDialogOpen } from '../core/dialogs.js';
import { h, isInUse, replace } from '../core/dom.js';
import { follow } from '../core/events.js';
import { number, t } from '../core/i18n.js';
import { none, note, panel } from '../core/parts.js';
import { Chart } from './charts.js';
import { daemonTable, platformTable, serverTable } from './servers.js';

/** Interval at which the tables are polled. */
const POLL_INTERVAL_MS = 3_000;
const PAGE_SIZE = 1_000;
const TILES = ['users', 'devices', 'rate', 'servers', 'daemons'];

/** The view of the cluster: counts, charts, chat servers, daemons. */
export function showCluster(main, context) {
  const counts = Object.fromEntries(
    TILES.map((name) => [name, h('span', { class: 'value', id: `count-${name}` }, '–')]),
  );
  const charts = {
    online: new Chart([
      [t('count.users'), 'accent'],
      [t('count.devices'), 'ok'],
    ]),
    rate: new Chart([[t('count.changes'), 'warn']]),
  };
  const sections = { servers: h('div', {}, note(t('loading'))), platforms: h('div'), daemons: h('div') };
  replace(main, layout(counts, charts, sections));
  followStats(context, (samples) => showSamples(samples, counts, charts));
  const load = () => loadTables(sections, counts, context, load);
  void load();
  const timer = setInterval(load, POLL_INTERVAL_MS);
  const redraw = () => Object.values(charts).forEach((chart) => void chart.redraw());
  for (const type of ['themechange', 'zonechange']) document.addEventListener(type, redraw);
  context.signal.addEventListener('abort', () => {
    clearInterval(timer);
    for (const type of ['themechange', 'zonechange']) document.removeEventListener(type, redraw);
    for (const chart of Object.values(charts)) chart.close();
  });
}

function layout(counts, { online, rate }, { servers, platforms, daemons }) {
  const tile = (name) => h('div', { class: 'tile' }, counts[name], h('span', {}, t(`tile.${name}`)));
  return [
    h('h1', { class: 'hidden' }, t('nav.cluster')),
    h('div', { class: 'tiles' }, TILES.map(tile)),
    h(
      'div',
      { class: 'halves' },
      panel(t('chart.online'), { id: 'online' }, online.element),
      panel(t('chart.changes'), { id: 'rate' }, rate.element),
    ),
    panel(t('servers.title'), { id: 'servers' }, servers),
    h(
      'div',
      { class: 'halves' },
      panel(t('platforms.title'), { id: 'platforms' }, platforms),
      panel(t('daemons.title'), { id: 'daemons', tools: daemonsLink() }, daemons),
    ),
  ];
}

function daemonsLink() {
  return h('a', { href: hashOf('daemons') }, t('daemons.more'));
}

/** Draws all samples of one turn of the event loop at once. */
function followStats({ signal, onState, onFault }, draw) {
  let waiting = [];
  let lastTime = 0;
  const onEvent = (sample) => {
    // A new stream repeats earlier samples.
    if (sample.type !== 'stats' || Date.parse(sample.time) <= lastTime) return;
    lastTime = Date.parse(sample.time);
    if (waiting.push(sample) > 1) return;
    queueMicrotask(() => {
      const samples = waiting;
      waiting = [];
      if (!signal.aborted) draw(samples);
    });
  };
  follow('stats/watch', {}, { signal, onEvent, onState }).catch(onFault);
}

function showSamples(samples, counts, { online, rate }) {
  const timeOf = ({ time }) => Date.parse(time) / 1_000;
  online.push(samples.map((sample) => [timeOf(sample), sample.usersOnline, sample.devicesOnline]));
  rate.push(samples.map((sample) => [timeOf(sample), sample.changesPerSecond]));
  const { usersOnline, devicesOnline, partial, changesPerSecond } = samples.at(-1);
  const more = partial ? '+' : '';
  counts.users.textContent = number(usersOnline) + more;
  counts.devices.textContent = number(devicesOnline) + more;
  replace(counts.rate, changesPerSecond === null ? none() : number(changesPerSecond));
}

async function loadTables(sections, counts, { signal, go, onFault, onResponse }, reload) {
  if (isDialogOpen() || Object.values(sections).some(isInUse)) return;
  try {
    const [{ servers, nextPageToken, partial }, stats, { endpoints }] = await Promise.all([
      get('servers', { pageSize: PAGE_SIZE }, { signal }),
      get('stats', {}, { signal }),
      get('endpoints', {}, { signal }),
    ]);
    const cut = nextPageToken && note(t('servers.cut', { count: PAGE_SIZE }));
    const missing = (isMissing) => isMissing && note(t('store.partial'));
    replace(sections.servers, serverTable(servers, go, reload), cut, missing(partial));
    replace(sections.platforms, platformTable(stats), missing(stats.partial));
    replace(sections.daemons, daemonTable(endpoints));
    counts.servers.textContent = number(servers.length) + (nextPageToken || partial ? '+' : '');
    counts.daemons.textContent = number(endpoints.length);
    onResponse();
  } catch (error) {
    if (!signal.aborted) onFault(error);
  }
}
