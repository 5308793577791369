/** ScreenLine: a line of a terminal in pieces, each in a style, that is cut to the width of the screen. */
import { styleText } from 'node:util';
import { plain_line } from './format.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Piece = string | readonly [text: string, style: Style];
export type ScreenLine = readonly Piece[];

/** As many of the pieces as have room in `columns`; what is cut ends in `…`. */
export function render_line(line: ScreenLine, columns: number, has_colours: boolean): string {
  let left = columns;
  let text = '';
  for (const piece of line) {
    const [raw, style] = typeof piece === 'string' ? [piece, undefined] : piece;
    const cut = cut_to(raw, left);
    if (cut !== '')
      text += style !== undefined && has_colours ? styleText(style, cut, { validateStream: false }) : cut;
    if (cut !== raw) return text;
    left -= width_of(raw);
  }
  return text;
}

/** A text of others in a style: what a terminal would obey is taken out. */
export function foreign(text: string, style?: Style): Piece {
  const plain = plain_line(text);
  return style === undefined ? plain : [plain, style];
}

/** Columns that it takes, or one more for a character that is wide on some terminals. */
export function width_of(text: string): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) as number) >= 0x1100 ? 2 : 1;
  // lines, blocks and marks that we draw ourselves are narrow
  return width - (text.match(/[\u2010-\u2027\u2500-\u25ff]/g)?.length ?? 0);
}

function cut_to(text: string, columns: number): string {
  if (width_of(text) <= columns) return text;
  if (columns <= 0) return '';
  let cut = '';
  let left = columns - 1;
  for (const character of text) {
    left -= width_of(character);
    if (left < 0) break;
    cut += character;
  }
  return `${cut}…`;
}
