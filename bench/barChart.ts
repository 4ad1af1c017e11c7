// Bar charts as SVG: panels side by side, each with horizontal bars.
import { COLOURS, type PanelSize, round, svgOf } from './svg.ts';

interface Bar {
  name: string;
  value: number;
}

/** One panel. */
export interface BarPanel {
  title: string;
  bars: Bar[];
}

const ROW_HEIGHT = 26;
const BAR_HEIGHT = 16;

/** Draws the panels. Bars of all panels have the same scale. */
export function barChart(panels: BarPanel[]): string {
  const max = Math.max(...panels.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const rows = Math.max(...panels.map(({ bars }) => bars.length));
  const size: PanelSize = { width: 170, height: rows * ROW_HEIGHT, left: 250, right: 70, top: 40, bottom: 8 };
  const title = panels.map((panel) => panel.title).join('; ');
  return svgOf(
    title,
    size,
    panels.map(({ title: name, bars }) => {
      const heading = `<text x="${20 - size.left}" y="-16" style="font-weight:600">${name}</text>`;
      return [heading, ...bars.map((bar, i) => drawBar(bar, i, size.width / max))].join('\n');
    }),
  );
}

function drawBar({ name, value }: Bar, row: number, pixelsPerUnit: number): string {
  const width = round(value * pixelsPerUnit);
  const top = row * ROW_HEIGHT;
  const textY = top + BAR_HEIGHT - 4;
  return [
    `<text x="-8" y="${textY}" text-anchor="end">${name}</text>`,
    `<rect x="0" y="${top}" width="${width}" height="${BAR_HEIGHT}" rx="2" fill="${COLOURS[0]}"/>`,
    `<text x="${width + 6}" y="${textY}">${value.toLocaleString('en')}</text>`,
  ].join('');
}
