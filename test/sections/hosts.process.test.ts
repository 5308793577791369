/**
 * Hosts and slaves that are lost, and what was on them. Numbers in brackets are those of the reference's checks, those of
 * defects are of its list of them.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { drain_host, sections_status } from '../../src/sections/status.js';
import { is_alive, wait_gone } from '../kit/processes.js';
import {
  a_before_b,
  files_below,
  type HostSlave,
  hosts,
  next_event,
  record_events,
  test_folder,
  test_job,
} from './kit.js';

const SERIAL = fileURLToPath(new URL('./tasks/serial.js', import.meta.url));
const INPUT = Array.from({ length: 8 }, (_, i) => `unit ${i}\n`).join('');

function serial_job(folder: string, pars: Record<string, string>, options: Partial<ParJobOptions> = {}) {
  // the same file in a run that goes on with another
  if (!existsSync(join(folder, 'in.txt'))) writeFileSync(join(folder, 'in.txt'), INPUT);
  const output = join(folder, 'out.txt');
  const parjob = test_job(folder, {
    sect_pars: 2,
    files: {
      in: new SplitFile({ name: join(folder, 'in.txt'), usage: 'INPUT', tag: 'in=' }),
      out: new SplitFile({ name: output, usage: 'OUTPUT', tag: 'out=' }),
    },
    program: [process.execPath, SERIAL],
    global_pars: { runs: join(folder, 'runs'), hold: join(folder, 'go'), ...pars },
    attempts: 1,
    ...options,
  });
  const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n');
  const status = () => sections_status(join(folder, 'test.sections'));
  return { parjob, output, runs, status, go: () => writeFileSync(join(folder, 'go'), '') };
}

/** A job whose section 0 runs on a, held there until `go`, and whose section 1 on b. */
function one_on_each(
  folder: string,
  pars: Record<string, string> = {},
  options: Partial<ParJobOptions> = {},
) {
  const { slaves, b_comes } = a_before_b(folder);
  const job = serial_job(folder, { hold_on: 'a', ...pars }, { slaves, ...options });
  job.parjob.on('section_sent', b_comes);
  return { ...job, slaves, b: slaves[1] as HostSlave };
}

/** The output stays where it is made. */
function uncollected(folder: string): Partial<ParJobOptions> {
  const [input, output] = ['in.txt', 'out.txt'].map((name) => join(folder, name)) as [string, string];
  return {
    files: {
      in: new SplitFile({ name: input, usage: 'INPUT', tag: 'in=' }),
      out: new SplitFile({ name: output, usage: 'OUTPUT', tag: 'out=', collect_it: false }),
    },
  };
}

describe('a slave that is killed', () => {
  it('takes its program with it, and the section is run again without charge (defect 16)', async () => {
    const folder = test_folder();
    const slaves = hosts('a');
    const { parjob, output, go } = serial_job(folder, { hold_on: 'a' }, { slaves, sect_pars: 1 });
    const running = parjob.run();
    const { pid } = await next_event(parjob, 'section_started');
    const again = next_event(parjob, 'section_started', ({ attempt }) => attempt === 2);
    const failed = record_events(parjob, 'section_failed');
    process.kill((slaves[0] as HostSlave).pid as number, 'SIGKILL');
    await wait_gone([pid]);
    await again;
    go();
    await running;
    expect(failed).toMatchObject([{ event: { why: 'lost' } }]);
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
  });

  it('leaves no process of a program behind, not even one that it has put in the background (defect 16)', async () => {
    const folder = test_folder();
    const slaves = hosts('a');
    const pid_file = join(folder, 'pid');
    const program = [
      '/bin/sh',
      '-c',
      `sleep 600 & echo $! > ${pid_file}.new; mv ${pid_file}.new ${pid_file}`,
    ];
    let pid = 0;
    // while its slave lives
    const clean_job = () => {
      pid = Number(readFileSync(pid_file, 'utf8'));
      return wait_gone([pid]);
    };
    const { parjob } = serial_job(folder, {}, { slaves, sect_pars: 1, files: {}, program, clean_job });
    await parjob.run();
    expect(pid).toBeGreaterThan(0);
    expect(is_alive(pid)).toBe(false);
  });
});

describe('a host that is lost', () => {
  it('while it runs a section: another one runs it, and no attempt is charged (6)', async () => {
    const folder = test_folder();
    const { parjob, output, runs, status, go, b } = one_on_each(folder, { hold_on: 'all' });
    const running = parjob.run();
    await next_event(parjob, 'section_started', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    b.power_off();
    expect((await gone).host).toBe('b');
    go();
    await running;
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
    expect(status().sections).toMatchObject([
      { host: 'a', attempt: 1, failures: 0 },
      { host: 'a', attempt: 2, failures: 0 },
    ]);
    expect(runs().at(-1)).toBe('1 a 2');
  });

  it('idle, with results that are not collected: they are made again (7, defect 8)', async () => {
    const folder = test_folder();
    const { parjob, go, runs, status, b } = one_on_each(folder, {}, uncollected(folder));
    const running = parjob.run();
    await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    b.power_off();
    await gone;
    go();
    expect((await running).done).toEqual(['0', '1']);
    expect(runs()).toMatchObject(
      ['0 a 1   ', '1 b 1   ', '1 a 2'].map((line) => expect.stringContaining(line)),
    );
    expect(status().sections.map(({ failures }) => failures)).toEqual([0, 0]);
  });

  it('with redo: false they are not, and it is said (7)', async () => {
    const folder = test_folder();
    const options = { ...uncollected(folder), redo: false };
    const { parjob, go, runs, b } = one_on_each(folder, {}, options);
    const notices: string[] = [];
    parjob.on('notice', ({ text }) => notices.push(text));
    const running = parjob.run();
    await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    b.power_off();
    await gone;
    go();
    await running;
    expect(runs()).toHaveLength(2);
    expect(notices).toContain('host b is gone');
  });

  it('cannot be cleaned: the run comes to its end, says so, and the next run cleans it (15, defect 9)', async () => {
    const folder = test_folder();
    const first = one_on_each(folder);
    const running = first.parjob.run();
    await next_event(first.parjob, 'section_collected');
    const gone = next_event(first.parjob, 'host_gone');
    first.b.power_off();
    await gone;
    first.go();
    const result = await running;
    expect(readFileSync(first.output, 'utf8')).toBe(INPUT);
    expect(result.not_removed).toMatchObject([
      { host: 'b', path: join(folder, 'scratch/b', run_folder(folder, 'b')) },
    ]);
    const left = join(folder, 'scratch/b', run_folder(folder, 'b'));
    expect(files_below(left).length).toBeGreaterThan(0);
    const second = serial_job(folder, {}, { slaves: hosts('b') });
    await second.parjob.run();
    expect(existsSync(left)).toBe(false);
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });
});

describe('a probe', () => {
  it('benches a host that cannot be used, with the reason, and takes it back when it can', async () => {
    const folder = test_folder();
    mkdirSync(join(folder, 'scratch'), { recursive: true });
    writeFileSync(join(folder, 'scratch', 'b'), 'no folder');
    const { parjob, output, go } = serial_job(folder, { hold_on: 'a' }, { slaves: hosts('a', 'b') });
    const benched = next_event(parjob, 'host_benched');
    const running = parjob.run();
    expect(await benched).toMatchObject({
      host: 'b',
      reason: expect.stringMatching(/the scratch folder .*b\/test\..* cannot be used: E/),
    });
    const good = next_event(parjob, 'host_good', ({ host }) => host === 'b');
    const finished = next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    rmSync(join(folder, 'scratch', 'b'));
    await good;
    await finished;
    go();
    await running;
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
  });

  it('is made of a host too that runs nothing and holds results (defect 8)', async () => {
    const folder = test_folder();
    const options = { ...uncollected(folder), probe_interval: 50 };
    const { parjob, go } = one_on_each(folder, {}, options);
    const running = parjob.run();
    await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    const benched = next_event(parjob, 'host_benched');
    const scratch = join(folder, 'scratch', 'b');
    rmSync(scratch, { recursive: true, force: true });
    writeFileSync(scratch, 'no folder');
    expect((await benched).host).toBe('b');
    go();
    await running;
  });

  it('benches a host with less room than min_free_bytes, which is told when there is no other', async () => {
    const folder = test_folder();
    const wanted = 2 ** 52;
    const options = { slaves: hosts('a'), min_free_bytes: wanted };
    const { parjob } = serial_job(folder, {}, options);
    const benched = next_event(parjob, 'host_benched');
    await expect(parjob.run()).rejects.toThrow(
      new RegExp(`no host is left: a: .*/scratch/a/test\\..* has \\d+ bytes free, less than ${wanted}`),
    );
    expect((await benched).host).toBe('a');
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it.skipIf(!have_unlike_room())('leaves a host with room for min_free_bytes all the work', async () => {
    const folder = test_folder();
    const room = [tmpdir(), SHARED_MEMORY].map(free_bytes) as [number, number];
    const smaller = room[0] < room[1] ? 'a' : 'b';
    const b = join(SHARED_MEMORY, `parjob-sections-${process.pid}`);
    try {
      const { parjob, output, runs } = serial_job(
        folder,
        {},
        {
          slaves: hosts('a', 'b'),
          scratch: { a: join(folder, 'scratch', 'a'), b },
          min_free_bytes: (room[0] + room[1]) / 2,
        },
      );
      const benched = next_event(parjob, 'host_benched');
      await parjob.run();
      // it may be that the other one had done all before this one came
      if (runs().length === 0) expect((await benched).host).toBe(smaller);
      expect(runs().filter((line) => line.split(' ')[1] === smaller)).toEqual([]);
      expect(readFileSync(output, 'utf8')).toBe(INPUT);
    } finally {
      rmSync(b, { recursive: true, force: true });
    }
  });
});

describe('a host that a person has drained', () => {
  it('gets nothing, also of a later master, until it is released; and is cleaned like any other', async () => {
    const folder = test_folder();
    const file = join(folder, 'test.sections');
    drain_host(file, 'b');
    const first = serial_job(folder, { fail_on: 'all' }, { slaves: hosts('a') });
    await expect(first.parjob.run()).rejects.toThrow(/section 0 failed/);
    expect(first.status().hosts).toMatchObject([{ host: 'b', state: 'drained' }, { host: 'a' }]);
    const second = serial_job(folder, {}, { slaves: hosts('b'), restart: true });
    const order: string[] = [];
    second.parjob.on('section_sent', ({ id, host }) => order.push(`${id} to ${host}`));
    second.parjob.on('notice', ({ text }) => {
      if (text.startsWith('by hand')) order.push(text);
    });
    const running = second.parjob.run();
    await next_event(second.parjob, 'host_good');
    drain_host(file, 'b', false);
    await running;
    expect(order).toEqual(['by hand: release_host b', '0 to b', '1 to b']);
    expect(readFileSync(second.output, 'utf8')).toBe(INPUT);
    expect(files_below(join(folder, 'scratch', 'b'))).toEqual([]);
  });

  it('stays drained when it was benched, or gone, meanwhile', async () => {
    const folder = test_folder();
    const file = join(folder, 'test.sections');
    drain_host(file, 'b');
    mkdirSync(join(folder, 'scratch'), { recursive: true });
    writeFileSync(join(folder, 'scratch', 'b'), 'no folder');
    const { parjob, status, go } = serial_job(folder, { hold_on: 'a' }, { slaves: hosts('a', 'b') });
    const running = parjob.run();
    await next_event(parjob, 'host_benched');
    const good = next_event(parjob, 'host_good', ({ host }) => host === 'b');
    rmSync(join(folder, 'scratch', 'b'));
    await good;
    go();
    await running;
    expect(status().hosts.find(({ host }) => host === 'b')).toMatchObject({ state: 'drained' });
  });
});

const SHARED_MEMORY = '/dev/shm';

function free_bytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Two file systems, one of which has far less room than the other. */
function have_unlike_room(): boolean {
  if (!existsSync('/dev/shm')) return false;
  const [one, other] = [tmpdir(), '/dev/shm'].map(free_bytes) as [number, number];
  return Math.abs(one - other) > 2 ** 32;
}

/** Name of the folder on a host of the run that the status file is of. */
function run_folder(folder: string, host: string): string {
  const [header = ''] = readFileSync(join(folder, 'test.sections'), 'utf8').split('\n');
  return `test.${JSON.parse(header).run_id}.${host}`;
}
