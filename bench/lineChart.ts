// Line charts as SVG: panels side by side over a common logarithmic axis.
import { COLOURS, type PanelSize, round, svgOf } from './svg.ts';

/** A line through points, labelled at its end. */
interface Line {
  name: string;
  points: (readonly [x: number, y: number])[];
}

/** One panel; its vertical axis goes from 0 to `max`. */
export interface LinePanel {
  title: string;
  lines: Line[];
  max: number;
  /** An upper limit, drawn as a dashed line. */
  bound?: number;
}

interface Scale {
  x(value: number): number;
  y(value: number): number;
}

const SIZE: PanelSize = { width: 300, height: 200, left: 48, right: 104, top: 44, bottom: 44 };
const TICKS = 4;
const LABEL_HEIGHT = 14;

/** Draws the panels; `xName` names the horizontal axis of each. */
export function lineChart(xName: string, panels: LinePanel[]): string {
  const title = panels.map((panel) => panel.title).join('; ');
  return svgOf(
    title,
    SIZE,
    panels.map((panel) => draw(panel, xName)),
  );
}

function draw({ title, lines, max, bound }: LinePanel, xName: string): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))];
  const scale = scaleOf(xs, max);
  const labels = avoidOverlap(lines.map(({ points }) => scale.y(points.at(-1)?.[1] ?? 0)));
  return [
    `<text x="-40" y="-18" style="font-weight:600">${title}</text>`,
    `<text x="${SIZE.width}" y="${SIZE.height + 36}" text-anchor="end">${xName}</text>`,
    ...yTicks(max, scale),
    ...xTicks(xs, scale),
    bound === undefined ? '' : boundLine(bound, scale),
    ...lines.map((line, i) => curve(line, scale, COLOURS[i % COLOURS.length] ?? '', labels[i] ?? 0)),
  ].join('\n');
}

function scaleOf(xs: number[], max: number): Scale {
  const [first, last] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  return {
    x: (value) => round(((Math.log10(value) - first) / (last - first || 1)) * SIZE.width),
    y: (value) => round(SIZE.height * (1 - value / max)),
  };
}

function yTicks(max: number, { y }: Scale): string[] {
  return Array.from({ length: TICKS + 1 }, (_, i) => {
    const value = (max * i) / TICKS;
    const label = `<text x="-8" y="${y(value) + 4}" text-anchor="end">${value.toLocaleString('en')}</text>`;
    return horizontal('grid', y(value)) + label;
  });
}

function xTicks(xs: number[], { x }: Scale): string[] {
  return xs.map((value) => {
    const label = value.toLocaleString('en', { notation: 'compact' });
    return `<text x="${x(value)}" y="${SIZE.height + 18}" text-anchor="middle">${label}</text>`;
  });
}

function boundLine(bound: number, { y }: Scale): string {
  return `${horizontal('bound', y(bound))}<text x="4" y="${y(bound) - 5}">${bound}</text>`;
}

function horizontal(className: string, y: number): string {
  return `<line class="${className}" x1="0" x2="${SIZE.width}" y1="${y}" y2="${y}"/>`;
}

function curve({ name, points }: Line, { x, y }: Scale, colour: string, labelY: number): string {
  const path = points.map(([at, value]) => `${x(at)},${y(value)}`).join(' ');
  const dots = points.map(([at, value]) => `<circle cx="${x(at)}" cy="${y(value)}" r="3" fill="${colour}"/>`);
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...dots,
    `<text x="${SIZE.width + 8}" y="${labelY + 4}" style="fill:${colour}">${name}</text>`,
  ].join('');
}

/** Moves labels down so that none overlaps the one above it. */
function avoidOverlap(heights: number[]): number[] {
  const topDown = heights.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  const moved = [...heights];
  let min = -Infinity;
  for (const { height, i } of topDown) {
    moved[i] = Math.max(height, min);
    min = Math.max(height, min) + LABEL_HEIGHT;
  }
  return moved;
}
