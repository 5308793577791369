/** Hosts and slaves that are lost, and what was on them. Numbers in brackets are those of the reference's checks. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { is_alive, wait_gone } from '../kit/processes.js';
import {
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
  writeFileSync(join(folder, 'in.txt'), INPUT);
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
  return { parjob, output, runs, go: () => writeFileSync(join(folder, 'go'), '') };
}

/** Section 1 runs on b, and a has the other. */
const ONE_EACH: Partial<ParJobOptions> = { njobs: 2 };

describe('a slave that is killed', () => {
  it('takes its program with it, and the section is run again without charge', async () => {
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

  it('leaves no process of a program behind, not even one that it has put in the background', async () => {
    const folder = test_folder();
    const slaves = hosts('a');
    const pid_file = join(folder, 'pid');
    const program = [
      '/bin/sh',
      '-c',
      `sleep 600 & echo $! > ${pid_file}.new; mv ${pid_file}.new ${pid_file}`,
    ];
    const { parjob } = serial_job(folder, {}, { slaves, sect_pars: 1, files: {}, program });
    await parjob.run();
    const pid = Number(readFileSync(pid_file, 'utf8'));
    await wait_gone([pid]);
    expect(is_alive(pid)).toBe(false);
  });
});

describe('a host that is lost', () => {
  it('while it runs a section: another one runs it, and no attempt is charged (6)', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const { parjob, output, go } = serial_job(folder, { hold_on: 'all' }, { slaves, ...ONE_EACH });
    const running = parjob.run();
    await next_event(parjob, 'section_started', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    (slaves[1] as HostSlave).power_off();
    expect((await gone).host).toBe('b');
    go();
    await running;
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
  });

  it('idle, with results that are not collected: they are made again (7)', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const { parjob, go, runs } = serial_job(folder, { hold_on: 'a' }, { slaves, ...ONE_EACH });
    (parjob.files as Record<string, SplitFile>)['out'] = new SplitFile({
      name: join(folder, 'out.txt'),
      usage: 'OUTPUT',
      tag: 'out=',
      collect_it: false,
    });
    const running = parjob.run();
    const { id } = await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    (slaves[1] as HostSlave).power_off();
    await gone;
    go();
    const result = await running;
    expect(result.done).toEqual(['0', '1']);
    expect(runs().filter((line) => line.startsWith(`${id} `))).toMatchObject([
      expect.stringContaining(`${id} b 1`),
      expect.stringContaining(`${id} a 2`),
    ]);
  });

  it('with redo: false they are not, and it is said', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const { parjob, go, runs } = serial_job(folder, { hold_on: 'a' }, { slaves, ...ONE_EACH, redo: false });
    (parjob.files as Record<string, SplitFile>)['out'] = new SplitFile({
      name: join(folder, 'out.txt'),
      usage: 'OUTPUT',
      tag: 'out=',
      collect_it: false,
    });
    const notices: string[] = [];
    parjob.on('notice', ({ text }) => notices.push(text));
    const running = parjob.run();
    await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    const gone = next_event(parjob, 'host_gone');
    (slaves[1] as HostSlave).power_off();
    await gone;
    go();
    await running;
    expect(runs()).toHaveLength(2);
    expect(notices).toContain('host b is gone');
  });

  it('cannot be cleaned: the run comes to its end, says so, and the next run cleans it (15)', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const first = serial_job(folder, { hold_on: 'a' }, { slaves, ...ONE_EACH });
    const running = first.parjob.run();
    await next_event(first.parjob, 'section_collected');
    const gone = next_event(first.parjob, 'host_gone');
    (slaves[1] as HostSlave).power_off();
    await gone;
    first.go();
    const result = await running;
    expect(readFileSync(first.output, 'utf8')).toBe(INPUT);
    expect(result.not_removed).toMatchObject([
      { host: 'b', path: join(folder, 'scratch/b', run_folder(folder)) },
    ]);
    const left = join(folder, 'scratch/b', run_folder(folder));
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
    const slaves = hosts('a', 'b');
    mkdirSync(join(folder, 'scratch'), { recursive: true });
    writeFileSync(join(folder, 'scratch', 'b'), 'no folder');
    const { parjob, output, go } = serial_job(folder, { hold_on: 'a' }, { slaves, ...ONE_EACH });
    const benched = next_event(parjob, 'host_benched');
    const running = parjob.run();
    expect(await benched).toMatchObject({
      host: 'b',
      reason: expect.stringMatching(/the scratch folder .*b\/test\..* cannot be used: E/),
    });
    const good = next_event(parjob, 'host_good', ({ host }) => host === 'b');
    (await import('node:fs')).rmSync(join(folder, 'scratch', 'b'));
    await good;
    await next_event(parjob, 'section_finished', ({ host }) => host === 'b');
    go();
    await running;
    expect(readFileSync(output, 'utf8')).toBe(INPUT);
  });
});

/** Name of the folder of the run that the status file is of. */
function run_folder(folder: string): string {
  const [header = ''] = readFileSync(join(folder, 'test.sections'), 'utf8').split('\n');
  return `test.${JSON.parse(header).run_id}`;
}
