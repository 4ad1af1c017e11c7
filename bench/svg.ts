// The parts that all charts share: colours, styles for light and dark backgrounds, and panels side by side.

/** Distinguishable with colour blindness, and on light and dark backgrounds. */
export const COLOURS = ['#2f81f7', '#d4730a', '#1a9e6c', '#b455c8'];

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #57606a }
  .background { fill: #ffffff } .grid { stroke: #d0d7de } .bound { stroke: #cf222e; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #adbac7 } .background { fill: #1c2128 } .grid { stroke: #444c56 } .bound { stroke: #f47067 }
  }`;

/** The size of one panel, in pixels, with the margins around its plot. */
export interface PanelSize {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** An SVG file with the panels side by side. `plots` has the content of each panel, relative to its plot. */
export function svgOf(title: string, size: PanelSize, plots: string[]): string {
  const outerWidth = size.left + size.width + size.right;
  const width = outerWidth * plots.length;
  const height = size.top + size.height + size.bottom;
  const panels = plots.map(
    (plot, i) => `<g transform="translate(${i * outerWidth + size.left} ${size.top})">${plot}</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}"`,
    `  height="${height}" role="img">`,
    `<title>${title}</title><style>${STYLE}</style>`,
    `<rect class="background" width="${width}" height="${height}" rx="6"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

/** A coordinate with one decimal. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
