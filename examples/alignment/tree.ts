/**
 * Trees: grouping sequences by their distances with UPGMA, and writing a tree in Newick format.
 *
 * UPGMA (R. Sokal and C. Michener, Univ. Kansas Sci. Bull. 38 (1958) 1409-1438) joins the two
 * nearest groups again and again; the distance of two groups is the mean over all pairs of members.
 * Every leaf is then equally far from the root. It is a way to sort and to see groups: as a history
 * of descent it holds only where all lines have changed at the same pace.
 */

export type Tree = Leaf | Join;

interface Leaf {
  kind: 'leaf';
  /** Which sequence this is. */
  index: number;
  height: 0;
}

interface Join {
  kind: 'join';
  /** The larger group first. */
  children: readonly [Tree, Tree];
  /** Half the mean distance of the two groups: the way from here to any leaf below. */
  height: number;
}

/** Groups n things by `distances`, a symmetric n x n matrix, row after row. */
export function upgma(distances: Float64Array, n: number): Tree {
  const d = Float64Array.from(distances);
  const trees: Tree[] = Array.from({ length: n }, (_, index) => ({ kind: 'leaf', index, height: 0 }));
  const sizes = new Array<number>(n).fill(1);
  // Rows of `d` still in use. A new group takes the row of one child; that of the other falls free.
  const rows = Array.from({ length: n }, (_, row) => row);

  while (rows.length > 1) {
    const [a, b] = nearest(d, n, rows);
    const height = Math.max(d[a * n + b]! / 2, trees[a]!.height, trees[b]!.height);
    const children: [Tree, Tree] = sizes[a]! >= sizes[b]! ? [trees[a]!, trees[b]!] : [trees[b]!, trees[a]!];
    trees[a] = { kind: 'join', children, height };
    for (const c of rows) {
      if (c === a || c === b) continue;
      const mean = (d[a * n + c]! * sizes[a]! + d[b * n + c]! * sizes[b]!) / (sizes[a]! + sizes[b]!);
      d[a * n + c] = mean;
      d[c * n + a] = mean;
    }
    sizes[a]! += sizes[b]!;
    rows.splice(rows.indexOf(b), 1);
  }
  return trees[rows[0]!]!;
}

/** The two rows with the smallest distance, the first such pair if there are several. */
function nearest(d: Float64Array, n: number, rows: readonly number[]): [a: number, b: number] {
  let best: [number, number] = [rows[0]!, rows[1]!];
  let smallest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]! * n;
    for (let l = k + 1; l < rows.length; l++) {
      const distance = d[row + rows[l]!]!;
      if (distance < smallest) {
        smallest = distance;
        best = [rows[k]!, rows[l]!];
      }
    }
  }
  return best;
}

/** The leaves from first to last, as they stand in a drawing of the tree. */
export function leaves(tree: Tree): number[] {
  return tree.kind === 'leaf' ? [tree.index] : tree.children.flatMap(leaves);
}

/** The tree in Newick format, with branch lengths. */
export function newick(tree: Tree, names: readonly string[]): string {
  const write = (node: Tree): string => {
    if (node.kind === 'leaf') return quote_label(names[node.index]!);
    const branches = node.children.map(
      (child) => `${write(child)}:${branch_length(node.height - child.height)}`,
    );
    return `(${branches.join(',')})`;
  };
  return `${write(tree)};`;
}

function branch_length(length: number): string {
  return String(Number(length.toFixed(6)));
}

/**
 * A name as a Newick label: in single quotes when it holds a character with a meaning in the format.
 * An underscore stays as it is: by the letter of the format it is a blank in a bare label, but no
 * program in use reads it so, and many do not take off the quotes.
 */
function quote_label(name: string): string {
  return /[\s()[\]{}:;,'"]/.test(name) || name === '' ? `'${name.replaceAll("'", "''")}'` : name;
}
