import { describe, expect, it } from 'vitest';
import { heatmap_svg } from '../../../examples/alignment/heatmap.js';

const IDENTITY = Float64Array.of(1, 0.5, 0.25, 0.5, 1, 0, 0.25, 0, 1);

/** Tags that are opened and never closed, or closed and never opened. */
function unbalanced_tags(svg: string): string[] {
  const open: string[] = [];
  for (const [, slash, tag, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash === '/') {
      if (open.pop() !== tag) return [`/${tag}`];
    } else if (self !== '/') open.push(tag!);
  }
  return open;
}

describe('a heat map', () => {
  it('is one SVG element with all tags closed and no figure that is not a number', () => {
    const svg = heatmap_svg(['a', 'b', 'c'], IDENTITY, [0, 1, 2]);
    expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" ')).toBe(true);
    expect(svg.endsWith('</svg>\n')).toBe(true);
    expect(unbalanced_tags(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('draws rows and columns in the given order', () => {
    const titles = [...heatmap_svg(['a', 'b', 'c'], IDENTITY, [2, 0, 1]).matchAll(/<title>(.*?)<\/title>/g)];
    expect(titles.map(([, title]) => title).slice(0, 4)).toEqual([
      'c / c: 100.0%',
      'c / a: 25.0%',
      'c / b: 0.0%',
      'a / c: 25.0%',
    ]);
  });

  it('writes figures into cells that are large enough', () => {
    const figures = (n: number) => {
      const names = Array.from({ length: n }, (_, k) => `p${k}`);
      const svg = heatmap_svg(names, new Float64Array(n * n).fill(0.333), Array.from(names.keys()));
      return [...svg.matchAll(/>33<\/text>/g)].length;
    };
    expect(figures(3)).toBe(9);
    expect(figures(60)).toBe(0);
  });

  it('has a scale from 0% to 100%', () => {
    const svg = heatmap_svg(['a', 'b', 'c'], IDENTITY, [0, 1, 2]);
    for (const percent of [0, 20, 40, 60, 80, 100]) expect(svg).toContain(`>${percent}%</text>`);
  });

  it('takes names that have a meaning in XML', () => {
    const svg = heatmap_svg(['<a>', 'b&"c"', 'd'], IDENTITY, [0, 1, 2]);
    expect(unbalanced_tags(svg)).toEqual([]);
    expect(svg).toContain('&#60;a&#62;');
    expect(svg).toContain('b&#38;&#34;c&#34;');
  });

  it('stays small for many sequences', () => {
    const n = 200;
    const names = Array.from({ length: n }, (_, k) => `protein_${k}`);
    const svg = heatmap_svg(names, new Float64Array(n * n).fill(0.1), Array.from(names.keys()));
    expect(svg.length / (n * n)).toBeLessThan(70);
  });
});
