import { h } from '../core/dom.js';
import { clock, number } from '../core/i18n.js';
import { onWidth } from '../core/parts.js';
import uPlot from '../vendor/uPlot.js';

const HEIGHT = 180;
/** 10 minutes. */
const MOST_POINTS = 600;
/** The least that is shown, so that a chart that has just begun does not show parts of a second. */
const LEAST_SECONDS = 60;
const SECONDS = [10, 15, 30, 60, 120, 300];
/** Between the lines of a count: 1, 2, 5, 10 and so on. */
const COUNTS = Array.from({ length: 9 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat();

/**
 * A live chart. `series` are pairs of a label and the name of a colour of style.css; points are pushed as a time and a value a series.
 */
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

  /** Adds points: a time in seconds and the values, null for one that is not known. */
  push(points) {
    for (const point of points) point.forEach((value, i) => void this.#data[i].push(value));
    const extra = this.#data[0].length - MOST_POINTS;
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
        // Of the time under the pointer; without one, the latest.
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

/** The times that are shown, in seconds; the last minute while there is none. */
function timesOf(min, max) {
  const end = max ?? Date.now() / 1_000;
  return [Math.min(min ?? end, end - LEAST_SECONDS), end];
}

/** From a round number below to one above, so that a small change does not look like a large one. */
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

/** A colour of theme.css, as it now is in an element. A canvas knows nothing of light-dark(), so the element's own style works it out. */
function colorOf(name, element) {
  element.style.outlineColor = `var(--${name})`;
  return getComputedStyle(element).outlineColor;
}
