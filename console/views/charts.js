import { h } from '../core/dom.js';
import { clock, number } from '../core/i18n.js';
import { onWidth } from '../core/parts.js';
import uPlot from '../vendor/uPlot.js';

const HEIGHT = 180;
/** One point per second for 10 minutes. */
const MAX_POINTS = 600;
/** Minimum time span, so that a new chart does not show fractions of a second. */
const MIN_SPAN_SECONDS = 60;
const SECONDS = [10, 15, 30, 60, 120, 300];
/** Distances between grid lines of a count: 1, 2, 5, 10 and so on. */
const COUNTS = Array.from({ length: 9 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat();

/** A live chart. `series` are pairs of a label and the name of a colour of theme.css. */
export class Chart {
  #plot;
  #data;
  #unobserve;
  #isClosed = false;

  constructor(series) {
    const label = series.map(([name]) => name).join(', ');
    this.element = h('div', { class: 'chart', role: 'img', 'aria-label': label });
    this.#data = [[], ...series.map(() => [])];
    this.#unobserve = onWidth(this.element, (width) => this.#fit(series, width));
  }

  /** Adds points: a time in seconds and one value per series, null if it is unknown. */
  push(points) {
    for (const point of points) point.forEach((value, i) => void this.#data[i].push(value));
    const extra = this.#data[0].length - MAX_POINTS;
    if (extra > 0) for (const values of this.#data) values.splice(0, extra);
    this.#plot?.setData(this.#data);
  }

  /** Redraws the chart in the current colours and time zone. */
  redraw() {
    this.#plot?.redraw(false, true);
  }

  close() {
    this.#isClosed = true;
    this.#unobserve();
    this.#plot?.destroy();
  }

  #fit(series, width) {
    if (this.#isClosed) return;
    if (this.#plot) this.#plot.setSize({ width, height: HEIGHT });
    else this.#plot = new uPlot(optionsOf(series, width, this.element), this.#data, this.element);
  }
}

function optionsOf(series, width, element) {
  const color = (name) => colorOf(name, element);
  return {
    width,
    height: HEIGHT,
    legend: { live: true },
    cursor: { y: false, points: { size: 6 } },
    padding: [8, 26, 0, 0],
    scales: {
      x: { range: (_, min, max) => timesOf(min, max) },
      y: { range: (_, min, max) => rangeOf(min, max) },
    },
    axes: [
      {
        ...axisOf(color),
        incrs: SECONDS,
        space: 90,
        size: 26,
        values: (_, times) => times.map((time) => clock(new Date(time * 1_000))),
      },
      {
        ...axisOf(color),
        incrs: COUNTS,
        values: (_, values) => values.map(shortNumber),
        size: 48,
        space: 34,
      },
    ],
    series: [
      { label: '', value: (_, time) => (time === null ? '–' : clock(new Date(time * 1_000))) },
      ...series.map(([label, name], i) => ({
        label,
        width: 1.75,
        points: { show: false },
        spanGaps: false,
        stroke: () => color(name),
        // The value under the pointer, or else the latest.
        value: ({ data }, value) => formatValue(value ?? data[i + 1].at(-1)),
      })),
    ],
  };
}

function formatValue(value) {
  return value === null || value === undefined ? '–' : number(value);
}

function axisOf(color) {
  return {
    stroke: () => color('muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: () => color('line'), width: 1 },
    ticks: { show: false },
  };
}

/** The range of the time axis in seconds; the last minute without points. */
function timesOf(min, max) {
  const end = max ?? Date.now() / 1_000;
  return [Math.min(min ?? end, end - MIN_SPAN_SECONDS), end];
}

/** The range of the value axis, wide enough that small changes do not look large. */
function rangeOf(min, max) {
  if (min === null || max === null) return [0, 10];
  const room = Math.max((max - min) * 0.15, max * 0.02, 1);
  const low = Math.max(0, Math.floor(min - room));
  return [low, Math.max(low + 4, Math.ceil(max + room))];
}

function shortNumber(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(2)}M`;
  return value >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : number(value);
}

/** The current value of a theme colour. A canvas does not support light-dark(), so an element computes it. */
function colorOf(name, element) {
  element.style.outlineColor = `var(--${name})`;
  return getComputedStyle(element).outlineColor;
}
