/**
 * Heat maps: the identities of all pairs as an SVG picture, rows and columns in the same order, with
 * names at the left and on top and a scale of colours at the right.
 *
 * The picture stands alone: no script, no font, no style sheet from elsewhere.
 */

const FONT = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif";
const INK = '#22303c';
const MAX_NAME = 24;
const MARGIN = 24;
const TITLE_HEIGHT = 54;
const MIN_SCALE = 130;
const MIN_WIDTH = 400; // the title needs it
/** Above this number of sequences the cells have no titles: they would make the file too large. */
const MAX_WITH_TITLES = 150;

/** Colours for 0, 1/8, ... 1 (ColorBrewer YlGnBu, by C. Brewer): even steps for the eye, also in grey. */
const STOPS = ['ffffd9', 'edf8b1', 'c7e9b4', '7fcdbb', '41b6c4', '1d91c0', '225ea8', '253494', '081d58'].map(
  (hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)),
);

/** Sizes that follow from the number of sequences. */
interface Layout {
  cell: number;
  font: number;
  /** Room for the names: left of the map and above it. */
  label: number;
  /** The side of the map. */
  side: number;
  left: number;
  top: number;
}

/** Draws `identity`, an n x n matrix of shares from 0 to 1, row after row, in the given `order`. */
export function heatmap_svg(
  names: readonly string[],
  identity: Float64Array,
  order: readonly number[],
): string {
  const labels = order.map((index) => shorten(names[index]!));
  const layout = lay_out(labels);
  const width = Math.max(layout.left + layout.side + 118, MIN_WIDTH);
  const height = layout.top + Math.max(layout.side, MIN_SCALE) + MARGIN;
  const n = names.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="${FONT}" fill="${INK}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${MARGIN}" y="34" font-size="17" font-weight="bold">Sequence identity of ${n} proteins</text>`,
    `<text x="${MARGIN}" y="52" font-size="11" fill="#667380">pairs aligned over their whole length, in the order of the tree</text>`,
    ...draw_names(labels, layout),
    ...draw_cells(labels, identity, order, layout),
    ...draw_scale(layout),
    '</svg>',
    '',
  ].join('\n');
}

function lay_out(labels: readonly string[]): Layout {
  const cell = clamp(Math.floor(820 / labels.length), 10, 46);
  const font = clamp(Math.round(cell * 0.8), 7, 13);
  // A capital letter of the fonts above is about 0.68 of the font size wide.
  const label = Math.ceil(Math.max(...labels.map((text) => text.length)) * font * 0.68) + 8;
  const side = cell * labels.length;
  return { cell, font, label, side, left: MARGIN + label, top: TITLE_HEIGHT + 14 + label };
}

function draw_names(labels: readonly string[], { cell, font, left, top }: Layout): string[] {
  const drop = font * 0.36; // from the middle of a line of text to its base
  const rows = labels.map((text, k) => {
    return `<text x="${left - 7}" y="${number(top + (k + 0.5) * cell + drop)}">${escape_xml(text)}</text>`;
  });
  const columns = labels.map((text, k) => {
    const at = `translate(${number(left + (k + 0.5) * cell + drop)} ${top - 7}) rotate(-90)`;
    return `<text transform="${at}">${escape_xml(text)}</text>`;
  });
  return [`<g font-size="${font}">`, ...columns, `<g text-anchor="end">`, ...rows, '</g></g>'];
}

function draw_cells(
  labels: readonly string[],
  identity: Float64Array,
  order: readonly number[],
  { cell, left, top, side }: Layout,
): string[] {
  const n = order.length;
  const value = (row: number, column: number) => identity[order[row]! * n + order[column]!]!;
  // A browser shows the title when the pointer rests on the cell.
  const title_of = (row: number, column: number) =>
    escape_xml(`${labels[row]} / ${labels[column]}: ${(value(row, column) * 100).toFixed(1)}%`);
  const figures: string[] = [];
  const lines: string[] = [];
  for (let row = 0; row < n; row++) {
    const y = top + row * cell;
    const cells: string[] = [];
    for (let column = 0; column < n; column++) {
      const share = value(row, column);
      const rect = `<rect x="${left + column * cell}" width="${cell}" height="${cell}" fill="${colour(share)}"`;
      cells.push(
        n <= MAX_WITH_TITLES ? `${rect}><title>${title_of(row, column)}</title></rect>` : `${rect}/>`,
      );
      if (cell >= 24) {
        const fill = share > 0.45 ? '#fff' : INK;
        const base = number(y + cell / 2 + cell * 0.13);
        figures.push(
          `<text x="${left + (column + 0.5) * cell}" y="${base}" fill="${fill}">${Math.round(share * 100)}</text>`,
        );
      }
    }
    lines.push(`<g transform="translate(0 ${y})">${cells.join('')}</g>`);
  }
  // The browser smooths the edges of abutting cells into pale lines unless told not to.
  return [
    '<g shape-rendering="crispEdges">',
    ...lines,
    '</g>',
    `<rect x="${left}" y="${top}" width="${side}" height="${side}" fill="none" stroke="${INK}" stroke-opacity="0.4"/>`,
    `<g font-size="${number(cell * 0.36)}" text-anchor="middle" pointer-events="none">`,
    ...figures,
    '</g>',
  ];
}

function draw_scale({ left, top, side }: Layout): string[] {
  const x = left + side + 28;
  const height = clamp(side, MIN_SCALE, 320);
  const steps = 100;
  const bars = Array.from({ length: steps }, (_, k) => {
    const y = top + (height * (steps - 1 - k)) / steps;
    return `<rect x="${x}" y="${number(y)}" width="16" height="${number(height / steps + 0.6)}" fill="${colour((k + 0.5) / steps)}"/>`;
  });
  const ticks = [0, 20, 40, 60, 80, 100].map((percent) => {
    const y = number(top + height * (1 - percent / 100));
    return (
      `<path d="M${x + 16} ${y}h5" stroke="${INK}"/>` +
      `<text x="${x + 25}" y="${y}" dy="4">${percent}%</text>`
    );
  });
  return [
    ...bars,
    `<rect x="${x}" y="${top}" width="16" height="${height}" fill="none" stroke="${INK}" stroke-opacity="0.4"/>`,
    `<g font-size="11">${ticks.join('')}<text x="${x}" y="${top - 12}">identity</text></g>`,
  ];
}

function colour(share: number): string {
  const at = clamp(share, 0, 1) * (STOPS.length - 1);
  const below = Math.min(Math.floor(at), STOPS.length - 2);
  const parts = STOPS[below]!.map((start, k) =>
    Math.round(start + (STOPS[below + 1]![k]! - start) * (at - below)),
  );
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function number(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function shorten(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}

function escape_xml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
