import { h } from '../core/dom.js';
import { clock, number } from '../core/i18n.js';
import { onWidth } from '../core/parts.js';
import uPlot from '../vendor/uPlot.js';

const HEIGHT = 170;

/**
 * A live chart. `series` are pairs of a label and the name of a colour of style.css; points are pushed as a time and a value a series.
 */
export class Chart {
  #plot;
  #data;
  #most;
  #unobserve;
  #isClosed = false;

  constructor(series, most) {
    this.element = h('div', { class: 'chart' });
    this.#data = [[], ...series.map(() => [])];
    this.#most = most;
    this.#unobserve = onWidth(this.element, (width) => this.#fit(series, width));
  }

  /** Adds points: a time in seconds and the values, null for one that is not known. */
  push(points) {
    for (const point of points) point.forEach((value, i) => void this.#data[i].push(value));
    const extra = this.#data[0].length - this.#most;
    if (extra > 0) for (const values of this.#data) values.splice(0, extra);
    this.#plot?.setData(this.#data);
  }

  /** Draws it again, in the colours that now hold. */
  redraw() {
    this.#plot?.redraw(false);
  }

  close() {
    this.#isClosed = true;
    this.#unobserve();
    this.#plot?.destroy();
  }

  #fit(series, width) {
    if (this.#isClosed) return;
    if (this.#plot) this.#plot.setSize({ width, height: HEIGHT });
    else this.#plot = new uPlot(optionsOf(series, width), this.#data, this.element);
  }
}

function optionsOf(series, width) {
  return {
    width,
    height: HEIGHT,
    legend: { live: true },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, min, max) => rangeOf(min, max) } },
    axes: [
      { ...axis(), values: (_, times) => times.map((time) => clock(new Date(time * 1_000))), space: 90 },
      { ...axis(), values: (_, values) => values.map(shortNumber), size: 52, space: 34 },
    ],
    series: [
      { label: '', value: (_, time) => (time === null ? '–' : clock(new Date(time * 1_000))) },
      ...series.map(([label, name]) => ({
        ...{ label, width: 1.75, points: { show: false }, spanGaps: false },
        stroke: () => color(name),
        value: (_, value) => (value === null || value === undefined ? '–' : number(value)),
      })),
    ],
  };
}

function axis() {
  return {
    stroke: () => color('muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: () => color('line'), width: 1 },
    ticks: { show: false },
  };
}

/** From a round number below to one above, so that a small change does not look like a large one. */
function rangeOf(min, max) {
  if (min === null || max === null) return [0, 10];
  const room = Math.max((max - min) * 0.15, max * 0.02, 1);
  return [Math.max(0, Math.floor(min - room)), Math.ceil(max + room)];
}

function shortNumber(value) {
  if (!Number.isInteger(value)) return '';
  if (value >= 1e6) return `${+(value / 1e6).toFixed(2)}M`;
  return value >= 1e4 ? `${+(value / 1e3).toFixed(1)}k` : number(value);
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
