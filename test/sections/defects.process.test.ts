/** Defects of the reference's list that no other file is about, with real slaves; see defects.test.ts. */
import { execFile } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PieceFile } from '../../src/sections/pieces_table.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { sections_status, set_section } from '../../src/sections/status.js';
import { read_status } from '../../src/sections/status_file.js';
import { is_alive } from '../kit/processes.js';
import { a_before_b, hosts, next_event, record_events, test_folder, test_job } from './kit.js';
import { floats, npy_file } from './pieces/kit.js';

const SERIAL = fileURLToPath(new URL('./tasks/serial.js', import.meta.url));
const INPUT = Array.from({ length: 8 }, (_, i) => `unit ${i}\n`).join('');

/** An input of eight lines and an output, in `folder`. */
function line_files(folder: string): { in: SplitFile; out: SplitFile } {
  writeFileSync(join(folder, 'in.txt'), INPUT);
  return {
    in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: 'in=' }),
    out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: 'out=' }),
  };
}

/** What the status file knows of a piece. */
function piece_of(folder: string, id: string): { state: string; files: readonly PieceFile[] } | undefined {
  const pieces = read_status(join(folder, 'test.sections')).records.by_kind.get('piece');
  return pieces?.get(id) as ReturnType<typeof piece_of>;
}

describe('attempts on the command line', () => {
  it('are a limit (defect 2)', async () => {
    const folder = test_folder();
    const words = ['exec', '--attempts', '3', '--sections', '1', '--njobs', '1', '--scratch', folder];
    const program = ['--', '/bin/sh', '-c', 'echo started >> "$0"; exit 3', join(folder, 'runs')];
    const { code } = await new Promise<{ code: unknown }>((done) =>
      execFile(process.execPath, [resolve('bin/parjob.js'), ...words, ...program], { cwd: folder }, (error) =>
        done({ code: error?.code }),
      ),
    );
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('started\n'.repeat(3));
    expect(code).toBeGreaterThan(0);
  });
});

describe('what a program says of itself', () => {
  it('may be anything: what is no report is left out, and nobody falls over it (13, defect 4)', async () => {
    const folder = test_folder();
    const script = [
      'exec 4>&$PARJOB_REPORT_FD',
      "printf 'progress a:b:c\\nprogress 3 of 10: nearly\\nfinish:0:a-0:x\\n:::\\n\\n' >&4",
      "printf 'checkpoint a:b=c:d\\n\\377\\376\\000\\001\\nthread:0:a-0:\\n' >&4",
      "head -c 300000 /dev/zero | tr '\\0' 'x' >&4",
      "printf '\\nx finished=1 of two: no\\n' >&2",
      "printf '\\nprogress 4 of 10\\nprogress 5 of' >&4",
    ].join('; ');
    const parjob = test_job(folder, {
      sect_pars: { 0: {}, 'a:b': {} },
      files: {},
      program: ['/bin/sh', '-c', script],
      slaves: hosts('a'),
    });
    const said = record_events(parjob, 'section_progress', 'section_checkpoint');
    expect((await parjob.run()).done).toEqual(['0', 'a:b']);
    expect(said).toMatchObject(
      ['0', 'a:b'].flatMap((id) => [
        { name: 'section_checkpoint', event: { id, text: 'a:b=c:d' } },
        { name: 'section_progress', event: { id, done: 4, total: 10 } },
      ]),
    );
  });
});

describe('an input that cannot be brought to a host', () => {
  it('is not believed to be there: the section runs elsewhere, without charge (11, defect 7)', async () => {
    const folder = test_folder();
    const { slaves, b_comes } = a_before_b(folder);
    const parjob = test_job(folder, {
      sect_pars: 2,
      files: line_files(folder),
      program: [process.execPath, SERIAL, `runs=${join(folder, 'runs')}`],
      slaves,
    });
    parjob.on('host_good', ({ host }) => {
      if (host !== 'a') return;
      // where the folder of inputs should be
      const [run = ''] = readdirSync(join(folder, 'scratch/a'));
      writeFileSync(join(folder, 'scratch/a', run, 'in'), 'no folder');
    });
    const failed: unknown[] = [];
    parjob.on('section_failed', ({ id, host, why }) => {
      failed.push([id, host, why, piece_of(folder, `in/in#${id}`)?.state]);
      b_comes();
    });
    await parjob.run();
    expect(failed[0]).toEqual(['0', 'a', 'transfer', 'absent']);
    const hosts_of_runs = readFileSync(join(folder, 'runs'), 'utf8').match(/^\d \w/gm);
    expect(hosts_of_runs).toEqual(['0 b', '1 b']);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
    const { sections } = sections_status(join(folder, 'test.sections'));
    expect(sections.map(({ failures }) => failures)).toEqual([0, 0]);
  });
});

describe('a section that is set to todo while it runs', () => {
  it('does not start again before its program has ended, which is not heard any more (14, defect 12)', async () => {
    const folder = test_folder();
    // the first one does not end when it is asked to
    const script = `
      trap '' TERM
      [ "$PARJOB_ATTEMPT" = 1 ] || exit 0
      while :; do echo 'checkpoint finished=9' >&$PARJOB_REPORT_FD; sleep .02; done`;
    const parjob = test_job(folder, {
      sect_pars: 1,
      files: {},
      program: ['/bin/sh', '-c', script],
      slaves: hosts('a', 'a'),
    });
    const running = parjob.run();
    const { pid } = await next_event(parjob, 'section_started');
    let was_alive = false;
    parjob.on('section_started', () => {
      was_alive = is_alive(pid);
    });
    const again = next_event(parjob, 'section_started');
    const late = record_events(parjob, 'section_checkpoint');
    set_section(join(folder, 'test.sections'), '0', 'todo');
    expect((await again).attempt).toBe(2);
    late.length = 0;
    await running;
    expect(was_alive).toBe(false);
    expect(late).toEqual([]);
  });
});

describe('an overlap', () => {
  it('widens the pieces that programs get, and what they make of them is blended (16, defect 14)', async () => {
    const folder = test_folder();
    const data = floats(Array.from({ length: 10 }, (_, i) => i * i));
    npy_file(join(folder, 'in.npy'), [10], data);
    const lengths: number[] = [];
    const parjob = test_job(folder, {
      sect_pars: 3,
      files: {
        in: new SplitFile({ name: join(folder, 'in.npy'), usage: 'INPUT', noverlap: 1 }),
        out: new SplitFile({ name: join(folder, 'out.npy'), usage: 'OUTPUT', noverlap: 1 }),
      },
      program: ['cp', '{in}', '{out}'],
      clean_job: ({ index, files }) => {
        lengths[index] = (statSync(files['out'] as string).size % 64) / 4;
      },
      slaves: hosts('a', 'b'),
    });
    await parjob.run();
    // the heads are a multiple of 64 bytes long
    expect(lengths).toEqual([5, 5, 4]);
    expect(readFileSync(join(folder, 'out.npy')).subarray(-40).equals(data)).toBe(true);
  });
});

describe('options', () => {
  it('do what they say: njobs is a limit, logs are in log_dir (defect 17)', async () => {
    const folder = test_folder();
    const go = join(folder, 'go');
    const parjob = test_job(folder, {
      sect_pars: 7,
      files: {},
      program: ['/bin/sh', '-c', 'until [ -e "$0" ]; do sleep .02; done', go],
      njobs: 2,
      log_dir: join(folder, 'deep', 'logs'),
      slaves: hosts('a', 'b', 'c'),
    });
    const good = ['a', 'b', 'c'].map((name) => next_event(parjob, 'host_good', ({ host }) => host === name));
    const started = ['0', '1'].map((wanted) =>
      next_event(parjob, 'section_started', ({ id }) => id === wanted),
    );
    const running = parjob.run();
    await Promise.all([...good, ...started]);
    const { counts } = sections_status(join(folder, 'test.sections'));
    expect(counts).toMatchObject({ todo: 5, sent: 0, running: 2 });
    writeFileSync(go, '');
    await running;
    const logs = readdirSync(join(folder, 'deep', 'logs')).filter((name) => name.endsWith('.log'));
    expect(logs.toSorted()).toEqual(Array.from({ length: 7 }, (_, i) => `test.${i}.1.log`));
  });
});

describe('a section whose output cannot be collected', () => {
  it('is run again, and collected again (defect 17)', async () => {
    const folder = test_folder();
    const parjob = test_job(folder, {
      sect_pars: 2,
      files: line_files(folder),
      program: [process.execPath, SERIAL, `runs=${join(folder, 'runs')}`],
      slaves: hosts('a'),
    });
    parjob.on('section_finished', ({ id, attempt }) => {
      if (id !== '1' || attempt !== 1) return;
      // it is not what it was when the program ended
      const path = piece_of(folder, 'out/out#1.1')?.files[0]?.path as string;
      appendFileSync(path, 'not of this program\n');
    });
    const collected = record_events(parjob, 'section_collected');
    await parjob.run();
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
    expect(collected.map(({ event }) => event)).toEqual([{ id: '0' }, { id: '1' }]);
    const { sections } = sections_status(join(folder, 'test.sections'));
    expect(sections).toMatchObject([
      { attempt: 1, failures: 0 },
      { attempt: 2, failures: 0 },
    ]);
  });
});

describe('a section that has finished', () => {
  it('is collected while its host runs another (defect 18)', async () => {
    const folder = test_folder();
    const parjob = test_job(folder, {
      sect_pars: { 0: { hold: join(folder, 'go-0') }, 1: { hold: join(folder, 'go-1') } },
      files: line_files(folder),
      program: [process.execPath, SERIAL],
      global_pars: { hold_on: 'a' },
      slaves: hosts('a', 'a'),
    });
    const running = parjob.run();
    const started = ['0', '1'].map((wanted) =>
      next_event(parjob, 'section_started', ({ id }) => id === wanted),
    );
    const collected = next_event(parjob, 'section_collected');
    await Promise.all(started);
    writeFileSync(join(folder, 'go-0'), '');
    expect(await collected).toEqual({ id: '0' });
    writeFileSync(join(folder, 'go-1'), '');
    await running;
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
  });
});
