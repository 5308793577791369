/** Files that travel: copies, sums, pieces that stay. Numbers in brackets are those of the reference's checks. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CopyFile } from '../../src/sections/copy_file.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { a_before_b, files_below, hosts, next_event, test_folder, test_job } from './kit.js';

const SERIAL = fileURLToPath(new URL('./tasks/serial.js', import.meta.url));
const SUMMER = fileURLToPath(new URL('./tasks/summer.js', import.meta.url));
const INPUT = Array.from({ length: 8 }, (_, i) => `unit ${i}\n`).join('');

describe('a copied INPUT', () => {
  it('goes to each host once, whatever the number of slots and sections, with what belongs to it (2)', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'table.txt'), 'a table\n');
    writeFileSync(join(folder, 'table.idx'), 'its index\n');
    const parjob = test_job(folder, {
      sect_pars: 8,
      files: {
        table: new CopyFile({
          name: join(folder, 'table.txt'),
          usage: 'INPUT',
          also: [join(folder, 'table.idx')],
        }),
        out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      program: ['/bin/sh', '-c', 'cat "$0" "$(dirname "$0")/table.idx"', '{table}'],
      assign: (_id, index) => (index % 2 === 0 ? 'a' : 'b'),
      slaves: hosts('a', 'a', 'b', 'b'),
    });
    const sent: string[] = [];
    parjob.on('notice', ({ text }) => {
      if (text.startsWith('in/table@')) sent.push(text);
    });
    await parjob.run();
    expect(sent.toSorted()).toEqual(['in/table@a is on a, 18 bytes', 'in/table@b is on b, 18 bytes']);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe('a table\nits index\n'.repeat(8));
  });

  it('does not go with a file of the same name, which would take its place (defect 15)', () => {
    const copy = (also: string[]) => new CopyFile({ name: 'a/table.txt', usage: 'INPUT', also });
    expect(copy(['b/table.idx']).also).toEqual(['b/table.idx']);
    expect(() => copy(['b/table.idx', 'b/table.txt'])).toThrow(
      'two files that go with it are called table.txt',
    );
  });

  it('is not shared by hosts that have their scratch folders on one file system', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'table.txt'), 'a table\n');
    const parjob = test_job(folder, {
      sect_pars: 4,
      files: {
        table: new CopyFile({ name: join(folder, 'table.txt'), usage: 'INPUT' }),
        out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      program: ['echo', '{host}', '{table}'],
      assign: (_id, index) => (index % 2 === 0 ? 'a' : 'b'),
      slaves: hosts('a', 'b'),
      scratch: join(folder, 'scratch'),
    });
    await parjob.run();
    const used = new Set(readFileSync(join(folder, 'out.txt'), 'utf8').trimEnd().split('\n'));
    expect(used.size).toBe(2);
    expect(new Set([...used].map((line) => line.split(' ')[1])).size).toBe(2);
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });

  it('may be a program, which then need not be on the hosts', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'hello.sh'), '#!/bin/sh\necho hello from $(basename "$0") in section $1\n', {
      mode: 0o755,
    });
    const parjob = test_job(folder, {
      sect_pars: 2,
      files: { out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }) },
      program: [join(folder, 'hello.sh'), '{id}'],
      ship: true,
      slaves: hosts('a'),
    });
    await parjob.run();
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(
      'hello from hello.sh in section 0\nhello from hello.sh in section 1\n',
    );
  });
});

describe('a copied OUTPUT', () => {
  for (const fail_by of ['exit', 'report'])
    it(`is the sum over sections, exact after failures in mid-section that go on from a checkpoint (8, defect 5, by ${fail_by})`, async () => {
      const folder = test_folder();
      const { slaves, b_comes } = a_before_b(folder);
      const parjob = test_job(folder, {
        sect_pars: { a: { from: 1 }, b: { from: 10 }, c: { from: 100 } },
        files: { image: new CopyFile({ name: join(folder, 'image.npy'), usage: 'OUTPUT', tag: 'image=' }) },
        program: [process.execPath, SUMMER],
        global_pars: { fail_on: 'a', fail_at: 2, fail_by, runs: join(folder, 'runs') },
        restart_com: 'restart=1',
        slaves: [...slaves, ...hosts('a')],
      });
      // each of them fails on a first, and goes to b
      let failed = 0;
      parjob.on('section_failed', () => {
        if (++failed === 3) b_comes();
      });
      await parjob.run();
      const bytes = readFileSync(join(folder, 'image.npy'));
      const numbers = new Float64Array(
        bytes.buffer.slice(bytes.byteOffset + bytes.length - 32, bytes.byteOffset + bytes.length),
      );
      // each unit k of a section adds from * (k + 1) to element k: four units
      expect([...numbers]).toEqual([111, 222, 333, 444]);
      const runs = readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n').toSorted();
      expect(runs).toEqual(['a', 'b', 'c'].flatMap((id) => [`${id} a 0 `, `${id} b 2 y`]));
    });
});

describe('pieces that stay', () => {
  it('are used in place by the next job, whose sections are bound to where they are (17)', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.txt'), INPUT);
    const status_file = join(folder, 'first.sections');
    const first = test_job(folder, {
      sect_pars: 4,
      files: {
        in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: '<' }),
        model: new SplitFile({
          name: join(folder, 'model.txt'),
          usage: 'OUTPUT',
          tag: '>',
          collect_it: false,
        }),
      },
      program: ['sed', 's/unit/UNIT/'],
      assign: (_id, index) => (index % 2 === 0 ? 'a' : 'b'),
      slaves: hosts('a', 'b'),
      status_file,
      jobname: 'first',
    });
    const places = new Map<string, string>();
    first.on('section_finished', ({ id, host }) => places.set(id, host));
    await first.run();
    expect(new Set(places.values()).size).toBe(2);
    expect(files_below(join(folder, 'scratch'))).toHaveLength(4);
    const second = test_job(folder, {
      sect_pars: 4,
      files: {
        model: new SplitFile({
          name: join(folder, 'model.txt'),
          usage: 'INPUT',
          tag: '<',
          load: { status_file },
          remove: true,
        }),
        out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      program: ['sed', 's/UNIT/Unit/'],
      slaves: hosts('b', 'a'),
      jobname: 'second',
    });
    const used = new Map<string, string>();
    second.on('section_finished', ({ id, host }) => used.set(id, host));
    const sent: string[] = [];
    second.on('notice', ({ text }) => {
      if (/^in\/.* is on /.test(text)) sent.push(text);
    });
    await second.run();
    expect([...used].toSorted()).toEqual([...places].toSorted());
    expect(sent).toEqual([]);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT.replaceAll('unit', 'Unit'));
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });
});

describe('names of any kind', () => {
  it('go through: ids, paths, parameters, progress, and equal base names (13, defects 4 and 15)', async () => {
    const folder = join(test_folder(), "odd 'folder': $HOME");
    mkdirSync(join(folder, 'x'), { recursive: true });
    mkdirSync(join(folder, 'y'), { recursive: true });
    const ids = ['a:b', '../up', 'ä ö ü', '$(reboot)', '-x', 'line\nbreak'];
    writeFileSync(join(folder, 'x', 'same.txt'), ids.map((_, i) => `x ${i}\n`).join(''));
    writeFileSync(join(folder, 'y', 'same.txt'), ids.map((_, i) => `y ${i}\n`).join(''));
    const parjob = test_job(folder, {
      sect_pars: Object.fromEntries(ids.map((id) => [id, { text: `it's "${id.replace('\n', ' ')}"; $x` }])),
      files: {
        'x:1': new SplitFile({ name: join(folder, 'x', 'same.txt'), usage: 'INPUT' }),
        'y/2': new SplitFile({ name: join(folder, 'y', 'same.txt'), usage: 'INPUT' }),
        out: new SplitFile({ name: join(folder, 'same.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      program: [
        '/bin/sh',
        '-c',
        'echo "checkpoint a:b=c, d" >&$PARJOB_REPORT_FD; cat "$1" "$2"; echo "$3"',
        'sh',
        '{x:1}',
        '{y/2}',
      ],
      slaves: hosts('a', 'b'),
    });
    const checkpoint = next_event(parjob, 'section_checkpoint');
    await parjob.run();
    expect((await checkpoint).text).toBe('a:b=c, d');
    const expected = ids.map((id, i) => `x ${i}\ny ${i}\ntext=it's "${id.replace('\n', ' ')}"; $x\n`);
    expect(readFileSync(join(folder, 'same.txt'), 'utf8')).toBe(expected.join(''));
  });
});

describe('a program that a ParJob runs', () => {
  it('runs unchanged without one (18)', async () => {
    const { execFileSync } = await import('node:child_process');
    const env = { ...process.env };
    for (const name of Object.keys(env)) if (name.startsWith('PARJOB_')) delete env[name];
    const output = execFileSync(process.execPath, [SERIAL, 'checkpoint=report'], { input: INPUT, env });
    expect(output.toString()).toBe(INPUT);
  });
});
