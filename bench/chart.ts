// A small writer of line charts as SVG: panels beside each other over one logarithmic axis. Readable on light and on dark ground.

/** A line through points, with its name at its end. */
interface Line {
  name: string;
  points: (readonly [x: number, y: number])[];
}

/** One panel; its vertical axis goes from 0 to `most`. */
export interface Panel {
  title: string;
  lines: Line[];
  max: number;
  /** What is not to be exceeded, as a dashed line. */
  bound?: { at: number; name: string };
}

const PANEL = { width: 300, height: 200, left: 48, right: 104, top: 44, bottom: 44 };
const STEPS = 4;
/** Told apart by people who see few colours, and on white and black. */
const COLOURS = ['#2f81f7', '#d4730a', '#1a9e6c', '#b455c8'];
const LABEL_PX = 14;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .ground { fill: #ffffff } .grid { stroke: #d0d7de } .bound { stroke: #cf222e; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #adbac7 } .ground { fill: #1c2128 } .grid { stroke: #444c56 } .bound { stroke: #f47067 }
  }`;

/** Draws the panels; `xName` is what all of them have to the right. */
export function chartOf(xName: string, panels: Panel[]): string {
  const outer = PANEL.left + PANEL.width + PANEL.right;
  const [width, height] = [outer * panels.length, PANEL.top + PANEL.height + PANEL.bottom];
  const drawn = panels.map(
    (panel, i) =>
      `<g transform="translate(${i * outer + PANEL.left} ${PANEL.top})">${draw(panel, xName)}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${panels.map(({ title }) => title).join('; ')}</title><style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function draw({ title, lines, max, bound }: Panel, xName: string): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))];
  const [first, last] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const x = (value: number) => round(((Math.log10(value) - first) / (last - first || 1)) * PANEL.width);
  const y = (value: number) => round(PANEL.height * (1 - value / max));
  const across = (at: number, kind: string) =>
    `<line class="${kind}" x1="0" x2="${PANEL.width}" y1="${y(at)}" y2="${y(at)}"/>`;
  const ticks = Array.from({ length: STEPS + 1 }, (_, i) => (max * i) / STEPS).map(
    (at) =>
      `${across(at, 'grid')}<text x="-8" y="${y(at) + 4}" text-anchor="end">${at.toLocaleString('en')}</text>`,
  );
  const sizes = xs.map(
    (at) =>
      `<text x="${x(at)}" y="${PANEL.height + 18}" text-anchor="middle">${at.toLocaleString('en', { notation: 'compact' })}</text>`,
  );
  const limit =
    bound && `${across(bound.at, 'bound')}<text x="4" y="${y(bound.at) - 5}">${bound.name}</text>`;
  const labels = settle(lines.map(({ points }) => y(points.at(-1)?.[1] ?? 0)));
  const curves = lines.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const dots = points.map(
      ([at, value]) => `<circle cx="${x(at)}" cy="${y(value)}" r="3" fill="${colour}"/>`,
    );
    const path = points.map(([at, value]) => `${x(at)},${y(value)}`).join(' ');
    const label = `<text x="${PANEL.width + 8}" y="${(labels[i] as number) + 4}" style="fill:${colour}">${name}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${label}`;
  });
  const texts = `<text x="-40" y="-18" style="font-weight:600">${title}</text><text x="${PANEL.width}" y="${PANEL.height + 36}" text-anchor="end">${xName}</text>`;
  return [texts, ...ticks, ...sizes, limit ?? '', ...curves].join('\n');
}

/** Heights of labels, moved down where they would touch the one above. */
function settle(heights: number[]): number[] {
  const moved = [...heights];
  let least = -Infinity;
  for (const i of heights
    .map((_, at) => at)
    .sort((a, b) => (heights[a] as number) - (heights[b] as number))) {
    moved[i] = Math.max(heights[i] as number, least);
    least = (moved[i] as number) + LABEL_PX;
  }
  return moved;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
