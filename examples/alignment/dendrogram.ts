/**
 * Dendrograms: a tree as lines of text, one line a leaf, the root at the left.
 *
 *     ┌──────────────────────────┬───────────────  HBA
 *     │                          └───────────────  HBB        Where two groups join, the scale
 *     └──────────────────────────────────────────  MYG        says how alike they are.
 *     ┴────────────┴─────────────┴────────────┴  identity
 *     40%         60%           80%         100%
 */
import { leaves, type Tree } from './tree.js';

const MAX_NAME = 28;

// A cell of the drawing holds the directions in which its line goes on.
const UP = 1;
const DOWN = 2;
const LEFT = 4;
const RIGHT = 8;
/** The character for each sum of directions. */
const GLYPHS = ' │││─┘┐┤─└┌├─┴┬┼';

/** Draws `tree` in lines of at most `width` characters, with a scale of identity below it. */
export function dendrogram(tree: Tree, names: readonly string[], width = 100): string {
  const order = leaves(tree);
  const labels = order.map((index) => shorten(names[index]!));
  const columns = width - Math.max(...labels.map((label) => label.length)) - 2;
  const lines = order.map(() => new Uint8Array(columns));
  // The last join may stand here; a leaf goes on to the last column, so that its branch is seen.
  const last_join = columns - 3;
  const column_of = (height: number) =>
    tree.height === 0 ? last_join : Math.round((1 - height / tree.height) * last_join);

  let next_line = 0;
  /** Draws all below `node` and returns the line on which its own branch leaves to the left. */
  const draw = (node: Tree): number => {
    if (node.kind === 'leaf') return next_line++;
    const column = column_of(node.height);
    const [first, last] = node.children.map((child) => {
      const line = draw(child);
      const end = child.kind === 'leaf' ? columns - 1 : column_of(child.height);
      for (let at = column; at < end; at++) {
        lines[line]![at]! |= RIGHT;
        lines[line]![at + 1]! |= LEFT;
      }
      return line;
    }) as [number, number];
    for (let line = first; line < last; line++) {
      lines[line]![column]! |= DOWN;
      lines[line + 1]![column]! |= UP;
    }
    return Math.floor((first + last) / 2);
  };
  draw(tree);

  const drawing = lines.map(
    (cells, k) => `${Array.from(cells, (cell) => GLYPHS[cell]).join('')}  ${labels[k]}`,
  );
  return [...drawing, ...scale(1 - 2 * tree.height, last_join + 1)].join('\n');
}

/** A ruler below the drawing: from the identity at the root to 100%. */
function scale(lowest: number, columns: number): string[] {
  const step = [0.05, 0.1, 0.2].find((size) => (1 - lowest) / size <= columns / 12) ?? 0.5;
  const ruler = new Array<string>(columns).fill('─');
  const figures = new Array<string>(columns + 4).fill(' ');
  for (let k = Math.ceil(lowest / step - 1e-9); k * step < 1 + 1e-9; k++) {
    const share = lowest === 1 ? 1 : (k * step - lowest) / (1 - lowest);
    const column = Math.round(share * (columns - 1));
    const text = `${Math.round(k * step * 100)}%`;
    ruler[column] = '┴';
    const start = Math.max(0, column - Math.floor(text.length / 2));
    for (const [offset, character] of [...text].entries()) figures[start + offset] = character;
  }
  return [ruler.join('') + '  identity', figures.join('').trimEnd()];
}

function shorten(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}
