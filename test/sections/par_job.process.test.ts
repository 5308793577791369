/** Serial programs over sections of data, with real slaves. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SectionFailedError } from '../../src/errors.js';
import { CopyFile } from '../../src/sections/copy_file.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { files_below, hosts, record_events, test_folder, test_job } from './kit.js';

const LINES = Array.from({ length: 10 }, (_, i) => `line ${i} of ten\n`).join('');

describe('a program over sections of lines', () => {
  it('gives what it gives when it is run alone on the whole', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.txt'), LINES);
    const parjob = test_job(folder, {
      sect_pars: 4,
      files: {
        in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: '<' }),
        out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      program: ['sed', 's/line/LINE/'],
      slaves: hosts('a', 'b'),
    });
    const result = await parjob.run();
    expect(result.done).toEqual(['0', '1', '2', '3']);
    expect(result.files).toEqual([join(folder, 'out.txt')]);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(LINES.replaceAll('line', 'LINE'));
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
    expect(existsSync(join(folder, 'test.sections'))).toBe(true);
  });

  it('loses nothing of what a program says that ends at once, to its log or by report', async () => {
    const folder = test_folder();
    const parjob = test_job(folder, {
      sect_pars: 8,
      files: {},
      program: [
        '/bin/sh',
        '-c',
        'echo out; echo err >&2; echo "checkpoint n=$0" >&$PARJOB_REPORT_FD',
        '{id}',
      ],
      slaves: hosts('a'),
    });
    const checkpoints: string[] = [];
    parjob.on('section_checkpoint', ({ text }) => checkpoints.push(text));
    await parjob.run();
    expect(checkpoints).toEqual(Array.from({ length: 8 }, (_, i) => `n=${i}`));
    for (let i = 0; i < 8; i++) {
      const log = readFileSync(join(folder, 'logs', `test.${i}.1.log`), 'utf8');
      expect(log.split('\n').toSorted()).toEqual(['', 'err', 'out']);
    }
  });

  it('has started before it is told what it reports', async () => {
    const parjob = test_job(test_folder(), {
      sect_pars: 8,
      files: {},
      program: ['/bin/sh', '-c', 'echo progress 1 of 1 >&$PARJOB_REPORT_FD'],
      slaves: hosts('a'),
    });
    const events = record_events(
      parjob,
      'section_sent',
      'section_started',
      'section_progress',
      'section_finished',
    );
    await parjob.run();
    const in_order = ['section_sent', 'section_started', 'section_progress', 'section_finished'];
    expect(events.map(({ name }) => name)).toEqual(Array.from({ length: 8 }, () => in_order).flat());
  });

  it('that was never started has no log, and none is named', async () => {
    const parjob = test_job(test_folder(), {
      sect_pars: 1,
      files: {},
      program: 'true',
      attempts: 1,
      slaves: hosts('a'),
      prep_job: () => {
        throw new Error('not today');
      },
    });
    const { sections } = (await parjob.run().catch((error: unknown) => error)) as SectionFailedError;
    expect(sections).toMatchObject([{ id: '0', error: 'prep_job threw: not today' }]);
    expect(sections[0]?.log_file).toBeUndefined();
  });

  it('whose command_func gives what is no command has failed, and is tried as often as any that fails', async () => {
    const parjob = test_job(test_folder(), {
      sect_pars: 1,
      files: {},
      command_func: () => [] as string[],
      slaves: hosts('a'),
    });
    const events = record_events(parjob, 'section_failed');
    await expect(parjob.run()).rejects.toThrow(/command_func: expected an array of words.*; it gave \[\]/s);
    expect(events.map(({ event }) => (event as { why: string }).why)).toEqual(['program', 'program']);
  });

  it('may be a pipeline, with hooks round it', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'in.txt'), LINES);
    const called: string[] = [];
    const parjob = test_job(folder, {
      sect_pars: 2,
      files: {
        in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: '<' }),
        out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      command_func: ({ id }) => [
        ['sed', `s/^/${id}: /`],
        ['tr', 'a-z', 'A-Z'],
      ],
      prep_run: (restart) => void called.push(`prep_run ${restart}`),
      prep_job: ({ id }) => void called.push(`prep_job ${id}`),
      clean_job: ({ id }) => void called.push(`clean_job ${id}`),
      end_run: ({ is_complete }) => void called.push(`end_run ${is_complete}`),
      assign: () => 'b',
      slaves: hosts('a', 'b'),
    });
    const used: string[] = [];
    parjob.on('section_sent', ({ host }) => used.push(host));
    await parjob.run();
    const expected = LINES.split(/(?<=\n)/).map((line, i) => `${i < 5 ? 0 : 1}: ${line}`.toUpperCase());
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(expected.join(''));
    expect(called).toEqual([
      'prep_run false',
      'prep_job 0',
      'clean_job 0',
      'prep_job 1',
      'clean_job 1',
      'end_run true',
    ]);
    expect(used).toEqual(['b', 'b']);
  });

  it('fails by a hook that throws, or does not give what it should, and says which', async () => {
    const said = async (hooks: Partial<ParJobOptions>) => {
      const folder = test_folder();
      const parjob = test_job(folder, {
        sect_pars: 1,
        files: {},
        program: 'true',
        slaves: hosts('a'),
        ...hooks,
      });
      const failed: string[] = [];
      parjob.on('section_failed', ({ attempt, why }) => failed.push(`${attempt} ${why}`));
      const error: Error = await parjob.run().then(
        () => new Error('nothing'),
        (error) => error,
      );
      return [error.message.split('\n', 1)[0], ...failed];
    };
    const text = (value: unknown) => Promise.reject(value);
    expect(await said({ command_func: () => undefined as never })).toEqual([
      expect.stringMatching(
        /section 0 failed: command_func: expected an array of words, .* it gave undefined/,
      ),
      '1 program',
      '2 program',
    ]);
    expect(await said({ command_func: () => text('no') })).toEqual([
      'section 0 failed: command_func threw: no',
      '1 program',
      '2 program',
    ]);
    expect(await said({ prep_job: () => text(undefined) })).toContain('2 program');
    expect(await said({ clean_job: () => text(new Error('bad')) })).toContain(
      'section 0 failed: clean_job threw: bad',
    );
    for (const wrong of ['', 3, Promise.resolve('a')])
      expect(await said({ assign: () => wrong as never })).toEqual([
        expect.stringContaining('assign: expected the name of a host, or undefined, for section 0; it gave'),
      ]);
    expect(await said({ end_run: () => text(new Error('late')) })).toEqual(['late']);
    // the error of the run is not lost for it
    expect(await said({ program: 'false', end_run: () => text(new Error('late')) })).toEqual([
      'section 0 failed: its program exited with code 1',
      '1 program',
      '2 program',
    ]);
  });

  it('ends at once when it is aborted: nothing more is sent, and nothing charged', async () => {
    const folder = test_folder();
    const controller = new AbortController();
    const parjob = test_job(folder, {
      sect_pars: 50,
      files: { out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }) },
      program: ['echo', '{id}'],
      slaves: hosts('a', 'b'),
    });
    const events = record_events(parjob, 'section_sent', 'section_failed', 'section_given_up');
    let at_abort = 0;
    parjob.on('section_collected', () => {
      at_abort ||= events.length;
      controller.abort('enough');
    });
    await expect(parjob.run({ signal: controller.signal })).rejects.toBe('enough');
    expect(events.length).toBe(at_abort);
    expect(files_below(folder).filter((file) => file.includes('.joining'))).toEqual([]);
    const { done } = await parjob.run({ restart: true });
    expect(done).toHaveLength(50);
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(done.map((id) => `${id}\n`).join(''));
  });

  it('does not begin when what it writes cannot be joined in the way that was asked for', async () => {
    const folder = test_folder();
    const how = { name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' } as const;
    for (const [options, text] of [
      [{ add: true }, 'out.txt: records of LINES cannot be added up'],
      [{ axes: 'new' }, 'out.txt: records of LINES have no axes to add to'],
    ] as const) {
      const files = { out: new SplitFile({ ...how, ...options }) };
      const parjob = test_job(folder, { sect_pars: 2, files, program: 'true', slaves: hosts('a') });
      await expect(parjob.run()).rejects.toThrow(text);
    }
    expect(existsSync(join(folder, 'test.sections'))).toBe(false);
  });

  it('does not begin with what a user has put in place of its files, program or sections, if that cannot be', async () => {
    const folder = test_folder();
    const parjob = test_job(folder, { sect_pars: 1, files: {}, program: 'true', slaves: hosts('a') });
    const twice = () => new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' });
    const to_folder = new SplitFile({ name: folder, usage: 'OUTPUT', format: 'LINES', tag: '>' });
    const of_folder = new CopyFile({ name: folder, usage: 'INPUT', tag: '<' });
    for (const [wrong, text] of [
      [{ program: 7 }, "option 'program' must be"],
      [{ program: [] }, "option 'program' must be"],
      [{ sect_pars: 'n=3' }, "option 'sect_pars' must be"],
      [{ files: null }, "option 'files' must be"],
      [{ files: undefined }, 'files must be given, {} when there are none'],
      [{ files: { a: 3 } }, 'the file a must be a CopyFile or a SplitFile, got 3'],
      [{ files: { a: twice(), b: twice() } }, 'the files a and b are both collected as'],
      [{ files: { a: to_folder } }, 'it is a folder'],
      [{ files: { a: of_folder } }, 'it is not a file'],
    ] as const) {
      const { sect_pars, files, program } = parjob;
      Object.assign(parjob, wrong);
      await expect(parjob.run()).rejects.toThrow(text);
      Object.assign(parjob, { sect_pars, files, program });
    }
    expect(existsSync(join(folder, 'test.sections'))).toBe(false);
  });

  it('does not wait for a hook that never ends when it is aborted', async () => {
    const controller = new AbortController();
    const parjob = test_job(test_folder(), {
      sect_pars: 1,
      files: {},
      program: 'true',
      slaves: hosts('a'),
      prep_job: () => {
        controller.abort(new Error('enough'));
        return new Promise(() => {});
      },
    });
    await expect(parjob.run({ signal: controller.signal })).rejects.toThrow('enough');
  });

  it('does not begin when it is aborted while it gets ready', async () => {
    const folder = test_folder();
    const controller = new AbortController();
    const parjob = test_job(folder, {
      sect_pars: 1,
      files: {},
      program: 'true',
      slaves: hosts('a'),
      prep_run: () => controller.abort(new Error('enough')),
    });
    await expect(parjob.run({ signal: controller.signal })).rejects.toThrow('enough');
    expect(existsSync(join(folder, 'test.sections'))).toBe(false);
  });

  it('may get its parameters as JSON on standard input, with their types, and those of a checkpoint', async () => {
    const folder = test_folder();
    // says what it got, and goes on behind two units the second time
    const program = `
      const { readFileSync, writeSync } = require('node:fs');
      const text = readFileSync(0, 'utf8');
      if (process.env.PARJOB_ATTEMPT === '1') {
        writeSync(Number(process.env.PARJOB_REPORT_FD), 'checkpoint finished=2\\n');
        process.exit(3);
      }
      process.stdout.write(JSON.stringify(JSON.parse(text)) + '\\n');`;
    const name = `it's $x; "ü"\nand more`;
    const parjob = test_job(folder, {
      sect_pars: { one: { n: 3, name }, two: { n: -0.5, list: [1, 2, 3], nt: 7 } },
      global_pars: { nt: 1000, dt: 0.004, is_fast: true },
      par_style: 'json',
      files: { out: new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' }) },
      program: [process.execPath, '-e', program],
      restart_com: 'restart=1',
      slaves: hosts('a'),
    });
    await parjob.run();
    const said = readFileSync(join(folder, 'out.txt'), 'utf8').trimEnd().split('\n');
    const global = { nt: 1000, dt: 0.004, is_fast: true };
    // what comes as text from a checkpoint is text
    const gone_on = { finished: '2', restart: '1' };
    expect(said.map((line) => JSON.parse(line))).toEqual([
      { ...global, n: 3, name, ...gone_on },
      { ...global, n: -0.5, list: [1, 2, 3], nt: 7, ...gone_on },
    ]);
  });
});
