import { h, svg } from '../core/dom.js';
import { clock, t } from '../core/i18n.js';
import { onWidth, reasonName } from '../core/parts.js';
import { timed } from '../core/times.js';
import { zoneOffset } from '../core/zone.js';
import { nameTooltip, sessionTooltip } from './timelineTooltips.js';

const ROW = 30;
const BAR = 14;
const AXIS = 24;
const NAMES = 170;
/** In characters; twice as many fit if the name is above its bars. */
const MAX_NAME_LENGTH = 22;
const NARROW = 560;
const MINUTE = 60_000;
/** Distances between ticks, in minutes. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200, 14_400, 43_200];

/** A timeline of sessions with one row per device, which adapts to its width. */
export function timeline(entries, from) {
  const container = h('div', { class: 'timeline' });
  const draw = (width) => container.replaceChildren(drawing(entries, from, width));
  onWidth(container, draw);
  timed(container, ({ clientWidth }) => clientWidth > 0 && draw(clientWidth));
  return h('figure', {}, container, legend(entries));
}

function drawing(entries, from, width) {
  const now = Date.now();
  const begin = from ?? Math.min(...entries.map(({ loginTime }) => Date.parse(loginTime)));
  const span = Math.max(now - begin, MINUTE) * 1.02;
  const start = from ?? now - span;
  const left = width < NARROW ? 0 : NAMES;
  const x = (ms) => left + (Math.max(0, ms - start) / (now - start)) * (width - left - 1);
  const devices = devicesOf(entries);
  const row = width < NARROW ? ROW + 14 : ROW;
  const tops = new Map(devices.map(({ deviceId }, i) => [deviceId, i * row]));
  const height = devices.length * row + AXIS;
  const label = t('timeline.label', { count: entries.length, devices: devices.length });
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label },
    ticks(start, now, width - left).map((ms) => tick(x(ms), height, ms, left, width)),
    devices.map((device, i) => name(device, i * row, left)),
    entries.map((entry) => bar(entry, x, tops.get(entry.deviceId) + row - BAR - 8, now, width)),
  );
}

/** The devices in the order of their names, with the label of the newest session that has one. */
function devicesOf(entries) {
  const labels = new Map();
  for (const { deviceId, label } of entries) labels.set(deviceId, labels.get(deviceId) ?? label);
  return [...labels].map(([deviceId, label]) => ({ deviceId, label })).sort(byName);
}

/** Sorts device-2 before device-10. */
function byName(a, b) {
  return (a.label ?? a.deviceId).localeCompare(b.label ?? b.deviceId, undefined, { numeric: true });
}

function ticks(start, end, width) {
  const maxTicks = Math.max(2, Math.floor(width / 110));
  const minutes = STEPS.find((step) => (end - start) / (step * MINUTE) <= maxTicks) ?? STEPS.at(-1);
  const step = minutes * MINUTE;
  const offset = zoneOffset(new Date(start));
  const first = Math.ceil((start + offset) / step) * step - offset;
  const times = [];
  for (let ms = first; ms <= end; ms += step) times.push(ms);
  return times;
}

function tick(x, height, ms, left, width) {
  const end = height - AXIS + 4;
  const anchor = x < left + 30 ? 'start' : x > width - 30 ? 'end' : 'middle';
  return [
    svg('line', { class: 'grid', x1: x, x2: x, y1: 0, y2: end }),
    svg('text', { class: 'axis', x, y: height - 6, 'text-anchor': anchor }, tickText(ms)),
  ];
}

function tickText(ms) {
  return clock(new Date(ms)).replace(/:00$/, '');
}

function name({ deviceId, label }, y, left) {
  const maxLength = left === 0 ? 2 * MAX_NAME_LENGTH : MAX_NAME_LENGTH;
  const characters = [...(label ?? deviceId)];
  const text =
    characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : characters.join('');
  return svg(
    'text',
    { class: 'name', x: 0, y: left === 0 ? y + 14 : y + ROW - BAR + 3 },
    text,
    svg('title', {}, nameTooltip({ deviceId, label })),
  );
}

function bar(entry, x, y, now, width) {
  const { loginTime, endTime, reason } = entry;
  const begin = Date.parse(loginTime);
  const end = endTime === null ? now : Date.parse(endTime);
  const from = Math.min(x(begin), width - 4);
  return svg(
    'rect',
    {
      class: `bar ${endTime === null ? 'online' : (reason ?? '')}`,
      x: from,
      y,
      width: Math.max(3, x(end) - from),
      height: BAR,
      rx: 3,
    },
    svg('title', {}, sessionTooltip(entry, begin, end)),
  );
}

function legend(entries) {
  const reasons = [...new Set(entries.map(({ endTime, reason }) => (endTime === null ? 'online' : reason)))];
  return h(
    'figcaption',
    { class: 'legend' },
    reasons.map((reason) =>
      h('span', { class: `key ${reason}` }, reason === 'online' ? t('state.online') : reasonName(reason)),
    ),
  );
}
