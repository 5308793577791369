/**
 * What goes wrong with programs, and what becomes of it. Numbers in brackets are those of the reference's checks, those of
 * defects are of its list of them.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SectionFailedError } from '../../src/errors.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { sections_status } from '../../src/sections/status.js';
import { wait_gone } from '../kit/processes.js';
import { a_before_b, hosts, record_events, test_folder, test_job } from './kit.js';

const SERIAL = fileURLToPath(new URL('./tasks/serial.js', import.meta.url));
const COUNT = 12;
const INPUT = Array.from({ length: COUNT }, (_, i) => `unit ${String(i).padStart(2, '0')}\n`).join('');

/** A job of `serial.js` over 12 lines. */
function serial_job(folder: string, pars: Record<string, string>, options: Partial<ParJobOptions> = {}) {
  const input = join(folder, 'in.txt');
  const output = join(folder, 'out.txt');
  // the same file in a run that goes on with another
  if (!existsSync(input)) writeFileSync(input, INPUT);
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
  const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n');
  return { parjob, output, runs, status: () => sections_status(join(folder, 'test.sections')) };
}

/** The same, of which all that is sent goes to a until something has failed there; from then on b is there too. */
function job_that_moves(folder: string, pars: Record<string, string>, options: Partial<ParJobOptions> = {}) {
  const { slaves, b_comes } = a_before_b(folder);
  const job = serial_job(folder, pars, { slaves, ...options });
  job.parjob.on('section_failed', b_comes);
  return job;
}

async function failure_of(run: Promise<unknown>): Promise<SectionFailedError> {
  return run.then(
    () => expect.fail('it should have failed'),
    (error) => error as SectionFailedError,
  );
}

describe('a program that fails', () => {
  it('is tried on another host, is charged once, and the run succeeds (4)', async () => {
    const folder = test_folder();
    const { parjob, output, runs, status } = job_that_moves(folder, { fail_on: 'a', fail_section: '1' });
    const events = record_events(parjob, 'section_failed');
    await parjob.run();
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
    expect(runs().filter((line) => line.startsWith('1 '))).toMatchObject([
      expect.stringMatching(/^1 a 1 /),
      expect.stringMatching(/^1 b 2( |$)/),
    ]);
    expect(events).toMatchObject([{ event: { id: '1', host: 'a', attempt: 1, why: 'program' } }]);
    expect(status().sections.map(({ failures }) => failures)).toEqual([0, 1, 0]);
  });

  it('on each host, of which there are fewer than attempts, ends the run at once when these are used up, named (5, defect 3)', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'all', fail_section: '2' };
    const { parjob, runs } = job_that_moves(folder, pars, { attempts: 3 });
    const error = await failure_of(parjob.run());
    expect(error.code).toBe('PARJOB_ERR_SECTION');
    expect(error.sections.map(({ id }) => id)).toEqual(['2']);
    expect(error.message).toMatch(
      /section 2 \(on a, b, [ab]\): its program exited with code 3\n\s+\| it went wrong/,
    );
    expect(runs().filter((line) => line.startsWith('2 '))).toHaveLength(3);
    expect(readFileSync(error.sections[0]?.log_file as string, 'utf8')).toBe('it went wrong\n');
  });

  it('says with which code or by which signal it ended, what it reported, and which output is missing (defect 11)', async () => {
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
    const pid_file = join(folder, 'pid');
    // what it starts does not end when it is asked to
    const script = `(trap '' TERM; exec sleep 600) & echo $! > ${pid_file}.new; mv ${pid_file}.new ${pid_file}; wait`;
    const program = ['/bin/sh', '-c', script, 'sh'];
    // its slave, which would end it too, stays
    const options = { program, sect_pars: 1, attempts: 1, keep_slaves: true };
    let timeout = 250;
    // as long as it takes to start on this machine
    while (!existsSync(pid_file)) {
      timeout *= 2;
      const error = await failure_of(serial_job(folder, {}, { ...options, timeout }).parjob.run());
      expect(error.message).toContain(`it took longer than its timeout of ${timeout} ms`);
    }
    await wait_gone([Number(readFileSync(pid_file, 'utf8'))]);
  });

  it('does not stop the rest with on_failure finish, nor with a share that may fail', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'all', fail_section: '1' };
    const finish = serial_job(folder, pars, { on_failure: 'finish' });
    const error = await failure_of(finish.parjob.run());
    expect(error.message).toMatch(/1 section failed/);
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

  it('throws nothing away when failures are tolerated and partial is not given: outputs stay, and a restart goes on with them', async () => {
    const folder = test_folder();
    const options = { on_failure: { tolerate: 0.4 } };
    const first = serial_job(folder, { fail_on: 'all', fail_section: '1' }, options);
    const notices: string[] = [];
    first.parjob.on('notice', ({ text }) => notices.push(text));
    expect(await first.parjob.run()).toMatchObject({ done: ['0', '2'], files: [] });
    expect(notices).toContainEqual(expect.stringContaining('nothing is collected, as 1 sections failed'));
    expect(existsSync(first.output)).toBe(false);
    const before = first.runs().length;
    const second = serial_job(folder, {}, { ...options, restart: true });
    expect((await second.parjob.run()).done).toEqual(['0', '1', '2']);
    expect(readFileSync(second.output, 'utf8')).toBe(INPUT);
    expect(second.runs().slice(before)).toMatchObject([expect.stringMatching(/^1 /)]);
  });

  it('with finish and partial leaves the rest in the output, which a restart makes whole without running it again', async () => {
    const folder = test_folder();
    const options = { on_failure: 'finish', partial: true } as const;
    const first = serial_job(folder, { fail_on: 'all', fail_section: '1' }, options);
    const error = await failure_of(first.parjob.run());
    expect(error.sections.map(({ id }) => id)).toEqual(['1']);
    const units = INPUT.split(/(?<=\n)/);
    expect(readFileSync(first.output, 'utf8')).toBe([...units.slice(0, 4), ...units.slice(8)].join(''));
    expect(first.status().counts).toMatchObject({ collected: 2, failed: 1 });
    const before = first.runs().length;
    const second = serial_job(folder, {}, { ...options, restart: true });
    expect((await second.parjob.run()).done).toEqual(['0', '1', '2']);
    expect(readFileSync(second.output, 'utf8')).toBe(INPUT);
    expect(second.runs().slice(before)).toMatchObject([expect.stringMatching(/^1 /)]);
  });

  it('that was tolerated may be made good by a restart, which makes all of the output again', async () => {
    const folder = test_folder();
    const options = { on_failure: { tolerate: 0.4 }, partial: true } as const;
    const first = serial_job(folder, { fail_on: 'all', fail_section: '1' }, options);
    expect((await first.parjob.run()).done).toEqual(['0', '2']);
    // nothing is left of sections 0 and 2 but what is in the output
    const second = serial_job(folder, {}, { ...options, restart: true });
    expect((await second.parjob.run()).done).toEqual(['0', '1', '2']);
    expect(readFileSync(second.output, 'utf8')).toBe(INPUT);
  });

  it('without partial leaves the output as it was', async () => {
    const folder = test_folder();
    writeFileSync(join(folder, 'out.txt'), 'of another day\n');
    const pars = { fail_on: 'all', fail_section: '1' };
    const { parjob, output } = serial_job(folder, pars, { on_failure: 'finish' });
    await failure_of(parjob.run());
    expect(readFileSync(output, 'utf8')).toBe('of another day\n');
  });
});

describe('a checkpoint', () => {
  for (const how of ['report', 'sep'])
    it(`goes with its partial output to another host, and nothing is lost or doubled (9, defect 6, ${how})`, async () => {
      const folder = test_folder();
      const pars = { fail_on: 'a', fail_at: '2', checkpoint: how, mark: '> ' };
      const options = { restart_com: 'restart=1', sect_pars: 1 };
      const { parjob, output, runs } = job_that_moves(folder, pars, options);
      await parjob.run();
      expect(readFileSync(output, 'utf8')).toBe(INPUT.replace(/^/gm, '> ').slice(0, -2));
      // section, host, attempt, finished, restart, add
      expect(runs()).toEqual(['0 a 1   ', '0 b 2 2 1 y']);
    });

  it('outlives an error that the program reports (10, defect 5)', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'a', fail_at: '3', fail_by: 'report', checkpoint: 'report' };
    const options = { restart_com: 'restart=1', sect_pars: 1 };
    const { parjob, output, runs } = job_that_moves(folder, pars, options);
    const failed = record_events(parjob, 'section_failed');
    await parjob.run();
    expect(failed).toMatchObject([{ event: { text: expect.stringContaining('no convergence: at 3') } }]);
    expect(runs()).toEqual(['0 a 1   ', '0 b 2 3 1 y']);
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
  });

  it('is dropped, and said to be, when its output cannot be had any more', async () => {
    const folder = test_folder();
    const pars = { fail_on: 'a', fail_at: '2', checkpoint: 'report' };
    const options = { restart_com: 'restart=1', sect_pars: 1 };
    const { parjob, output, runs } = job_that_moves(folder, pars, options);
    const notices: string[] = [];
    parjob.on('notice', ({ text }) => notices.push(text));
    parjob.on('section_failed', () => {
      const scratch = join(folder, 'scratch', 'a');
      rmSync(scratch, { recursive: true, force: true });
      mkdirSync(scratch, { recursive: true });
    });
    await parjob.run();
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
    expect(runs()).toEqual(['0 a 1   ', '0 b 2']);
    expect(notices.join('\n')).toMatch(/section 0 begins anew, its checkpoint \(finished=2\) is dropped/);
  });
});
