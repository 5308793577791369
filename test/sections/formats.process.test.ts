/** Formats from end to end: history files whose data stand beside them, and formats that a user has made. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CopyFile } from '../../src/sections/copy_file.js';
import type { CubeFormat, RecordFormat } from '../../src/sections/formats/format.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { a_before_b, files_below, hosts, test_folder, test_job } from './kit.js';
import { floats } from './pieces/kit.js';

const DOUBLER = fileURLToPath(new URL('./tasks/sep_doubler.js', import.meta.url));
const ROWS = 7;
const VALUES = Array.from({ length: 3 * ROWS }, (_, i) => i + 0.5);

/** A job of `sep_doubler.js` over a history file whose data stand beside it. */
function sep_job(folder: string, pars: Record<string, string>, options: Partial<ParJobOptions> = {}) {
  const [input, output] = [join(folder, 'in.H'), join(folder, 'out.H')];
  writeFileSync(input, `n1=3 n2=${ROWS} o2=5 d2=2 esize=4 data_format="native_float"\nin="${input}@"\n`);
  writeFileSync(`${input}@`, floats(VALUES));
  const parjob = test_job(folder, {
    sect_pars: 3,
    files: {
      in: new SplitFile({ name: input, usage: 'INPUT', tag: 'in=' }),
      out: new SplitFile({ name: output, usage: 'OUTPUT', tag: 'out=' }),
    },
    program: [process.execPath, DOUBLER],
    global_pars: { runs: join(folder, 'runs'), ...pars },
    restart_com: 'restart=1',
    slaves: hosts('a', 'b'),
    ...options,
  });
  const notices: string[] = [];
  parjob.on('notice', ({ text }) => notices.push(text));
  const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n');
  return { parjob, output, runs, notices };
}

function expect_doubled(file: string): void {
  const bytes = readFileSync(file);
  const mark = bytes.indexOf('\f\f\x04');
  const head = bytes.toString('latin1', 0, mark);
  const last = (key: string) => [...head.matchAll(new RegExp(`\\b${key}=(\\S+)`, 'g'))].at(-1)?.[1];
  expect(['n1', 'n2', 'o2', 'd2', 'in'].map(last)).toEqual(['3', String(ROWS), '5', '2', '"stdin"']);
  expect(bytes.subarray(mark + 3).equals(floats(VALUES.map((value) => 2 * value)))).toBe(true);
}

describe('a history file whose data are in another file', () => {
  it('is split, and what programs write in that way comes together with its data, of which none are left', async () => {
    const folder = test_folder();
    const { parjob, output } = sep_job(folder, {});
    await parjob.run();
    expect_doubled(output);
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });

  it('goes whole to a host in one file, if it is copied', async () => {
    const folder = test_folder();
    const { parjob, output, runs } = sep_job(folder, {}, { sect_pars: 1 });
    parjob.files['in'] = new CopyFile({ name: join(folder, 'in.H'), usage: 'INPUT', tag: 'in=' });
    await parjob.run();
    expect_doubled(output);
    expect(runs()).toHaveLength(1);
  });

  it('that was begun is gone on with on its host', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'a', fail_at: '4' };
    const { parjob, output, runs } = sep_job(folder, pars, { sect_pars: 1, slaves: hosts('a') });
    await parjob.run();
    expect(runs()).toEqual(['a 0 ', 'a 4 y']);
    expect_doubled(output);
  });

  it('that was begun does not go to another host: its checkpoint is dropped, which is said (9, defect 6)', async () => {
    const folder = test_folder();
    const { slaves, b_comes } = a_before_b(folder);
    const pars = { fail_on: 'a', fail_at: '4' };
    const { parjob, output, runs, notices } = sep_job(folder, pars, { sect_pars: 1, slaves });
    parjob.on('section_failed', b_comes);
    await parjob.run();
    expect(runs()).toEqual(['a 0 ', 'b 0']);
    expect(notices.join('\n')).toMatch(
      /section 0 begins anew, its checkpoint \(finished=4\) is dropped: .*may have its data in a file beside/,
    );
    expect_doubled(output);
  });
});

/** Records that are paragraphs: they end with an empty line. */
const paragraphs: RecordFormat = {
  kind: 'records',
  name: 'paragraphs',
  scanner() {
    let newlines = 0;
    return {
      scan(bytes, base, starts) {
        for (const [i, byte] of bytes.entries()) {
          newlines = byte === 10 ? newlines + 1 : 0;
          if (newlines === 2) starts.push(base + i + 1);
        }
      },
    };
  },
};

/** Grey pictures of the netpbm family: `P5 width height 255`, and a byte a pixel. */
const pgm: CubeFormat = {
  kind: 'cube',
  name: 'PGM',
  parse(start, is_whole) {
    const text = Buffer.from(start).toString('latin1');
    const [whole = '', width, height] = /^P5\s(\d+)\s(\d+)\s255\s/.exec(text) ?? [];
    if (whole === '' && !is_whole && start.length < 100) return undefined;
    if (whole === '') throw new Error('it is no picture: it does not begin with P5');
    const axes = [{ n: Number(width) }, { n: Number(height) }];
    return { axes, element: { bytes: 1, number: 'uint8' }, offset: whole.length };
  },
  head(_like, axes, _note, length = 0) {
    const [width, height] = axes.map(({ n }) => n);
    // blanks between the numbers may be as many as one likes
    const text = (blanks: string) => `P5\n${width}${blanks} ${height}\n255\n`;
    return Buffer.from(text(' '.repeat(Math.max(0, length - text('').length))), 'latin1');
  },
};

describe("a user's own format", () => {
  it('of records is split and put together', async () => {
    const folder = test_folder();
    const poem = Array.from({ length: 5 }, (_, i) => `line one of ${i}\n${'line two\n'.repeat(i)}\n`).join(
      '',
    );
    writeFileSync(join(folder, 'poem'), poem);
    const parjob = test_job(folder, {
      sect_pars: 5,
      files: {
        in: new SplitFile({ name: join(folder, 'poem'), usage: 'INPUT', tag: '<', format: paragraphs }),
        out: new SplitFile({ name: join(folder, 'song'), usage: 'OUTPUT', tag: '>', format: paragraphs }),
      },
      program: ['sed', '1s/^/la la /'],
      slaves: hosts('a', 'b'),
    });
    await parjob.run();
    expect(readFileSync(join(folder, 'song'), 'utf8')).toBe(poem.replaceAll('line one', 'la la line one'));
  });

  it('of cubes is split, put together and added up', async () => {
    const folder = test_folder();
    const pixels = Buffer.from(Array.from({ length: 6 * 9 }, (_, i) => i));
    writeFileSync(join(folder, 'in.pgm'), Buffer.concat([Buffer.from('P5 6 9 255\n'), pixels]));
    const names = { usage: 'OUTPUT', format: pgm } as const;
    const parjob = test_job(folder, {
      sect_pars: 4,
      files: {
        in: new SplitFile({ name: join(folder, 'in.pgm'), usage: 'INPUT', format: pgm }),
        rows: new SplitFile({ name: join(folder, 'rows.pgm'), ...names }),
        sum: new CopyFile({ name: join(folder, 'sum.pgm'), ...names }),
      },
      // every section adds one picture of the same size
      program: [
        '/bin/sh',
        '-c',
        `cp "$0" "$1"; printf 'P5 2 1 255\\n\\001\\005' > "$2"`,
        '{in}',
        '{rows}',
        '{sum}',
      ],
      slaves: hosts('a', 'b'),
    });
    await parjob.run();
    const rows = readFileSync(join(folder, 'rows.pgm'));
    expect(rows.toString('latin1', 0, rows.length - 54)).toMatch(/^P5\s6\s+9\s255\s$/);
    expect(rows.subarray(-54).equals(pixels)).toBe(true);
    expect([...readFileSync(join(folder, 'sum.pgm')).subarray(-2)]).toEqual([4, 20]);
  });

  it('that a file is not of is told before anything runs', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.pgm'), 'GIF89a and so on, at least a hundred bytes of it'.repeat(3));
    const parjob = test_job(folder, {
      sect_pars: 1,
      files: { in: new SplitFile({ name: join(folder, 'in.pgm'), usage: 'INPUT', tag: '<', format: pgm }) },
      program: 'cat',
      slaves: hosts('a'),
    });
    await expect(parjob.run()).rejects.toThrow(/in\.pgm cannot be read as PGM: it is no picture/);
  });
});
