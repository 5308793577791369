/**
 * Reads the imports of src and compares them with the picture of the rooms:
 *
 *     base, errors, task  <  wire | sched | launch | journal  <  net  <  master | slave  <  sections  <  watch  <  cli, index
 *
 * An import goes to a lower floor or stays in its room; rooms side by side (|) do not know each other.
 * Imports of types count too. One exception is allowed: slave may import launch/exit_code, the numbers by
 * which a slave that ends tells its launcher why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** From the ground up. What stands on one floor does not know its neighbours, but for the ground floor. */
const FLOORS: readonly (readonly string[])[] = [
  ['base', 'errors', 'task'],
  ['wire', 'sched', 'launch', 'journal'],
  ['net'],
  ['master', 'slave'],
  ['sections'],
  ['watch'],
  ['cli', 'index'],
];

const EXCEPTIONS = new Set(['slave ─▶ launch/exit_code.ts']);

interface Import {
  from: string;
  /** A file of ours, or undefined for a package or a node: module. */
  to: string | undefined;
  specifier: string;
}

const files = (readdirSync(SRC, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  .toSorted();

const imports: Import[] = files.flatMap((from) => {
  const text = readFileSync(join(SRC, from), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = text.matchAll(
    /(?:^\s*(?:import|export)\b[^'";]*?\bfrom\s*|^\s*import\s*|\bimport\s*\(\s*)'([^']+)'/gm,
  );
  return [...found].map(([, specifier = '']) => {
    const is_ours = specifier.startsWith('.');
    const path = normalize(join(dirname(from), specifier)).replace(/\.js$/, '.ts');
    return { from, specifier, to: is_ours ? path : undefined };
  });
});

/** The folder of a file, or the name of a file that stands alone. */
function room_of(file: string): string {
  return file.includes('/') ? (file.split('/')[0] as string) : file.replace(/\.ts$/, '');
}

function floor_of(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

/** The circles among the names that `edges` join, each as a path that ends where it began. */
function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      found.push([...path.slice(path.indexOf(name)), name].join(' ─▶ '));
      return;
    }
    if (done.has(name)) return;
    for (const next of edges.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of edges.keys()) visit(name, []);
  return found;
}

function edges_of(name_of: (file: string) => string): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (to === undefined || name_of(from) === name_of(to)) continue;
    const ends = edges.get(name_of(from)) ?? new Set();
    edges.set(name_of(from), ends.add(name_of(to)));
  }
  return edges;
}

describe('the imports of src', () => {
  it('are found: files, ours and others', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.filter(({ to }) => to !== undefined).length).toBeGreaterThan(50);
    expect(imports.some(({ specifier }) => specifier === 'node:net')).toBe(true);
    expect(imports).toContainEqual({
      from: 'master/session.ts',
      specifier: '../wire/hello.js',
      to: 'wire/hello.ts',
    });
  });

  it('name files of src that are there', () => {
    const lost = imports.filter(({ to }) => to !== undefined && !files.includes(to));
    expect(lost).toEqual([]);
  });

  it('come from rooms that are in the picture', () => {
    const rooms = new Set(files.map(room_of));
    expect([...rooms].filter((room) => floor_of(room) === -1)).toEqual([]);
  });

  it('go down, or stay in their room', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to === undefined) return false;
      const [here, there] = [room_of(from), room_of(to)];
      if (here === there || EXCEPTIONS.has(`${here} ─▶ ${to}`)) return false;
      const [floor, below] = [floor_of(here), floor_of(there)];
      return below > floor || (below === floor && floor > 0);
    });
    expect(wrong.map(({ from, to }) => `${from} ─▶ ${to}`)).toEqual([]);
  });

  it('make no circle among files', () => {
    expect(circles(edges_of((file) => file))).toEqual([]);
  });

  it('make no circle among rooms', () => {
    expect(circles(edges_of(room_of))).toEqual([]);
  });

  it('leave the scheduler without I/O, clock or package: ours only', () => {
    const foreign = imports.filter(({ from, to }) => room_of(from) === 'sched' && to === undefined);
    expect(foreign).toEqual([]);
  });

  it('leave bytes without sockets: wire knows no module that opens one', () => {
    const sockets = /^node:(net|tls|http2?|https|dgram|child_process|worker_threads|fs|timers)/;
    expect(
      imports.filter(({ from, specifier }) => room_of(from) === 'wire' && sockets.test(specifier)),
    ).toEqual([]);
  });

  it('name built-in modules with node:', () => {
    const bare = imports.filter(({ specifier }) =>
      /^(net|fs|os|path|util|crypto|events|url|vm)$/.test(specifier),
    );
    expect(bare).toEqual([]);
  });
});

describe('the search for circles', () => {
  it('finds them', () => {
    const edges = new Map([
      ['a', new Set(['b', 'c'])],
      ['b', new Set(['d'])],
      ['c', new Set(['d'])],
      ['d', new Set(['c'])],
    ]);
    expect(circles(edges)).toEqual(['d ─▶ c ─▶ d']);
  });
});
