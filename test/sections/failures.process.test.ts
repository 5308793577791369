/** What goes wrong with programs, and what becomes of it. Numbers in brackets are those of the reference's checks. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SectionFailedError } from '../../src/errors.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { hosts, record_events, test_folder, test_job } from './kit.js';

const SERIAL = fileURLToPath(new URL('./tasks/serial.js', import.meta.url));
const COUNT = 12;
const INPUT = Array.from({ length: COUNT }, (_, i) => `unit ${String(i).padStart(2, '0')}\n`).join('');

/** A job of `serial.js` over 12 lines. */
function serial_job(folder: string, pars: Record<string, string>, options: Partial<ParJobOptions> = {}) {
  const input = join(folder, 'in.txt');
  const output = join(folder, 'out.txt');
  writeFileSync(input, INPUT);
  const parjob = test_job(folder, {
    sect_pars: 3,
    files: {
      in: new SplitFile({ name: input, usage: 'INPUT', tag: 'in=' }),
      out: new SplitFile({ name: output, usage: 'OUTPUT', tag: 'out=' }),
    },
    program: [process.execPath, SERIAL],
    global_pars: { runs: join(folder, 'runs'), ...pars },
    slaves: hosts('a', 'b'),
    ...options,
  });
  return { parjob, output, runs: () => readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n') };
}

async function failure_of(run: Promise<unknown>): Promise<SectionFailedError> {
  return run.then(
    () => expect.fail('it should have failed'),
    (error) => error as SectionFailedError,
  );
}

describe('a program that fails', () => {
  it('is tried on another host, and the run succeeds (4)', async () => {
    const folder = test_folder();
    const { parjob, output, runs } = serial_job(folder, { fail_on: 'a', fail_section: '1' });
    const events = record_events(parjob, 'section_failed');
    await parjob.run();
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
    const starts = runs().filter((line) => line.startsWith('1 '));
    expect(starts.at(-1)).toContain('1 b');
    expect(events.length).toBe(starts.length - 1);
  });

  it('on each host ends the run at once when its attempts are used up, named, with code and last words (5)', async () => {
    const folder = test_folder();
    const { parjob, runs } = serial_job(folder, { fail_on: 'all', fail_section: '2' }, { attempts: 3 });
    const error = await failure_of(parjob.run());
    expect(error.code).toBe('PARJOB_ERR_SECTION');
    expect(error.sections.map(({ id }) => id)).toEqual(['2']);
    expect(error.message).toMatch(
      /section 2 \(on [ab], [ab], [ab]\): its program exited with code 3\n\s+\| it went wrong/,
    );
    expect(runs().filter((line) => line.startsWith('2 '))).toHaveLength(3);
    expect(readFileSync(error.sections[0]?.log_file as string, 'utf8')).toBe('it went wrong\n');
  });

  it('says by which signal it was ended, what it reported, and which output is missing', async () => {
    const said = async (pars: Record<string, string>) => {
      const { parjob } = serial_job(test_folder(), pars, { attempts: 1, sect_pars: 1 });
      return (await failure_of(parjob.run())).sections[0]?.error;
    };
    expect(await said({ fail_on: 'all', fail_by: 'signal' })).toMatch(/^its program was ended by SIGSEGV/);
    expect(await said({ fail_on: 'all', fail_by: 'report' })).toMatch(
      /^its program exited with code 3, and reported: no convergence: at 0/,
    );
    expect(await said({ remove_out: 'y' })).toMatch(
      /^its program exited with code 0, and its output out cannot be read: .*ENOENT/,
    );
  });

  it('that cannot be started fails with the reason; one that is not there benches its host', async () => {
    const folder = test_folder();
    const { parjob } = serial_job(folder, {}, { program: join(folder, 'nowhere'), slaves: hosts('a') });
    const error = await failure_of(parjob.run());
    expect(error.message).toMatch(
      /no host is left: a: the program .*nowhere is not there, or may not be run/,
    );
  });

  it('that takes longer than its timeout is ended, with all that it has started', async () => {
    const folder = test_folder();
    const { parjob } = serial_job(
      folder,
      {},
      {
        program: ['/bin/sh', '-c', 'sleep 600 & echo $! > pid; wait', 'sh'],
        cwd: 'folder',
        sect_pars: 1,
        attempts: 1,
        timeout: 300,
      },
    );
    const error = await failure_of(parjob.run());
    expect(error.message).toContain('it took longer than its timeout of 300 ms');
  });

  it('does not stop the rest with on_failure finish, nor with a share that may fail', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'all', fail_section: '1' };
    const finish = serial_job(folder, pars, { on_failure: 'finish' });
    const error = await failure_of(finish.parjob.run());
    expect(error.message).toMatch(/1 sections failed/);
    expect(
      finish
        .runs()
        .map((line) => line[0])
        .toSorted(),
    ).toEqual(['0', '1', '1', '2']);
    const other = test_folder();
    const tolerate = serial_job(other, pars, { on_failure: { tolerate: 0.4 }, partial: true });
    const result = await tolerate.parjob.run();
    expect(result.done).toEqual(['0', '2']);
    expect(result.failed.map(({ id }) => id)).toEqual(['1']);
    const units = INPUT.split(/(?<=\n)/);
    expect(readFileSync(tolerate.output, 'utf8')).toBe([...units.slice(0, 4), ...units.slice(8)].join(''));
  });
});

describe('a checkpoint', () => {
  for (const how of ['report', 'sep'])
    it(`goes with its partial output to another host, and nothing is lost or doubled (9, ${how})`, async () => {
      const folder = test_folder();
      const pars = { fail_on: 'a', fail_at: '2', checkpoint: how, mark: '> ' };
      const { parjob, output, runs } = serial_job(folder, pars, {
        restart_com: 'restart=1',
        sect_pars: 1,
        slaves: hosts('a', 'b'),
        prep_job: ({ host, attempt }) => {
          if (attempt === 1 && host === 'b') throw new Error('a comes first');
        },
        attempts: 4,
      });
      await parjob.run();
      expect(readFileSync(output, 'utf8')).toBe(INPUT.replace(/^/gm, '> ').slice(0, -2));
      const last = runs().at(-1) as string;
      expect(last).toMatch(/^0 b \d 2 1 add=?y?$|^0 b \d 2 1 y$/);
    });

  it('outlives an error that the program reports (10)', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'a', fail_at: '3', fail_by: 'report', checkpoint: 'report' };
    const { parjob, runs } = serial_job(folder, pars, {
      restart_com: 'restart=1',
      sect_pars: 1,
      attempts: 4,
    });
    await parjob.run();
    const on_b = runs()
      .filter((line) => line.startsWith('0 b'))
      .at(-1);
    const was_on_a = runs().some((line) => line.startsWith('0 a'));
    expect(on_b).toMatch(was_on_a ? /^0 b \d 3 1 y$/ : /^0 b 1/);
  });

  it('is dropped, and said to be, when its output cannot be had any more', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'a', fail_at: '2', checkpoint: 'report' };
    const { parjob, output } = serial_job(folder, pars, {
      restart_com: 'restart=1',
      sect_pars: 1,
      attempts: 4,
      slaves: hosts('a', 'b'),
    });
    const notices: string[] = [];
    parjob.on('notice', ({ text }) => notices.push(text));
    let was_on_a = false;
    parjob.on('section_failed', ({ host }) => {
      was_on_a ||= host === 'a';
      const scratch = join(folder, 'scratch', 'a');
      rmSync(scratch, { recursive: true, force: true });
      mkdirSync(scratch, { recursive: true });
    });
    await parjob.run();
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
    if (was_on_a)
      expect(notices.join('\n')).toMatch(/section 0 begins anew, its checkpoint \(finished=2\) is dropped/);
  });
});
