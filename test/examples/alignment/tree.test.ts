import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaves, newick, type Tree, upgma } from '../../../examples/alignment/tree.js';

/** A symmetric matrix from the distances above the diagonal. */
function matrix(n: number, distance: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return i === j ? 0 : distance(Math.min(i, j), Math.max(i, j));
  });
}

const distances = fc
  .integer({ min: 2, max: 14 })
  .chain((n) =>
    fc
      .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: n * n, maxLength: n * n })
      .map((values) => ({ n, d: matrix(n, (i, j) => values[i * n + j]!) })),
  );

/** Heights of all joins, each after those below it. */
function heights(tree: Tree): number[] {
  return tree.kind === 'leaf' ? [] : [...tree.children.flatMap(heights), tree.height];
}

interface Parsed {
  name?: string;
  length: number;
  children: Parsed[];
}

/** A small reader of Newick, to read back what was written. */
function parse_newick(text: string): Parsed {
  let at = 0;
  const node = (): Parsed => {
    const parsed: Parsed = { length: 0, children: [] };
    if (text[at] === '(') {
      do {
        at++;
        parsed.children.push(node());
      } while (text[at] === ',');
      expect(text[at++]).toBe(')');
    } else {
      const [label] =
        /^(?:'(?:[^']|'')*'|[^\s()[\]{}:;,'"]+)/.exec(text.slice(at)) ?? expect.fail(`no label at ${at}`);
      at += label.length;
      parsed.name = label.startsWith("'") ? label.slice(1, -1).replaceAll("''", "'") : label;
    }
    if (text[at] === ':') {
      const [figure] = /^[-+.\de]+/.exec(text.slice(++at)) ?? expect.fail(`no length at ${at}`);
      at += figure.length;
      parsed.length = Number(figure);
    }
    return parsed;
  };
  const root = node();
  expect(text.slice(at)).toBe(';');
  return root;
}

/** Name and way from the root of each leaf. */
function tips(node: Parsed, way = 0): { name: string; way: number }[] {
  if (node.name !== undefined) return [{ name: node.name, way }];
  return node.children.flatMap((child) => tips(child, way + child.length));
}

describe('UPGMA', () => {
  it('joins a worked example by mean distances', () => {
    // 0 and 1 at 2; then 2 and 3 at 4; the groups at the mean of 6, 8, 10 and 12.
    const d = matrix(
      4,
      (i, j) =>
        [
          [0, 2, 6, 8],
          [0, 0, 10, 12],
          [0, 0, 0, 4],
        ][i]![j]!,
    );
    expect(upgma(d, 4)).toEqual({
      kind: 'join',
      height: 4.5,
      children: [
        { kind: 'join', height: 1, children: [leaf(0), leaf(1)] },
        { kind: 'join', height: 2, children: [leaf(2), leaf(3)] },
      ],
    });
  });

  it('weighs a group by its members', () => {
    // 0, 1 and 2 join first; 3 is then at the mean of 6, 6 and 9.
    const d = matrix(
      4,
      (i, j) =>
        [
          [0, 1, 2, 6],
          [0, 0, 2, 6],
          [0, 0, 0, 9],
        ][i]![j]!,
    );
    expect(upgma(d, 4).height).toBeCloseTo(3.5, 12);
  });

  it('holds each leaf once, and no join is lower than those below it', () => {
    fc.assert(
      fc.property(distances, ({ n, d }) => {
        const tree = upgma(d, n);
        expect(leaves(tree).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, k) => k));
        const check = (node: Tree) => {
          if (node.kind === 'leaf') return;
          for (const child of node.children) {
            expect(child.height).toBeLessThanOrEqual(node.height);
            check(child);
          }
        };
        check(tree);
        expect(heights(tree)).toHaveLength(n - 1);
      }),
    );
  });

  it('finds the tree again that an ultrametric matrix came from', () => {
    fc.assert(
      fc.property(distances, ({ n, d }) => {
        const tree = upgma(d, n);
        const again = Float64Array.from({ length: n * n });
        const fill = (node: Tree) => {
          if (node.kind === 'leaf') return;
          const [first, second] = node.children.map(leaves) as [number[], number[]];
          for (const i of first)
            for (const j of second) again[i * n + j] = again[j * n + i] = 2 * node.height;
          node.children.forEach(fill);
        };
        fill(tree);
        const sorted = (found: Tree) => heights(found).sort((x, y) => x - y);
        const [expected, found] = [sorted(tree), sorted(upgma(again, n))];
        for (const [k, height] of found.entries()) expect(height).toBeCloseTo(expected[k]!, 9);
      }),
    );
  });

  it('leaves the matrix as it was', () => {
    const d = matrix(5, (i, j) => i + j);
    const copy = Float64Array.from(d);
    upgma(d, 5);
    expect(d).toEqual(copy);
  });
});

describe('Newick', () => {
  it('is written with branch lengths', () => {
    const d = matrix(3, (i, j) => (i === 0 && j === 1 ? 0.2 : 0.6));
    expect(newick(upgma(d, 3), ['a', 'b', 'c'])).toBe('((a:0.1,b:0.1):0.2,c:0.3);');
  });

  it('can be read back, names of any kind and equal ways from the root', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('HBA_HUMAN', "it's", 'a b', 'a:1', '(x)', ''),
    );
    fc.assert(
      fc.property(distances, fc.array(name, { minLength: 14, maxLength: 14 }), ({ n, d }, names) => {
        const tree = upgma(d, n);
        const read = tips(parse_newick(newick(tree, names)));
        expect(read.map((tip) => tip.name)).toEqual(leaves(tree).map((index) => names[index]));
        for (const tip of read) expect(tip.way).toBeCloseTo(tree.height, 4);
      }),
    );
  });

  it('keeps underscores bare and quotes what has a meaning in the format', () => {
    const tree = upgma(
      matrix(2, () => 1),
      2,
    );
    expect(newick(tree, ['HBA_HUMAN', "O'Neill (2)"])).toBe("(HBA_HUMAN:0.5,'O''Neill (2)':0.5);");
  });
});

function leaf(index: number): Tree {
  return { kind: 'leaf', index, height: 0 };
}
