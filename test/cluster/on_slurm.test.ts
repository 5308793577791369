/** Slaves by Slurm, on hosts of their own: that they work, that losing them harms no task, and that no job is left. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { slurm_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';
import { expect_squares, MasterRun, master_words, type Order, read_end, squares } from './bed/master_run.js';

describe_with(['netns', 'slurm'], 'slaves by Slurm', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await slurm_bed({ nodes: 3, slots: 2 });
  });
  afterAll(() => bed?.stop());

  let folder = '';
  let going: MasterRun | undefined;
  function run(order: Order): MasterRun {
    folder = mkdtempSync(join(bed.folder, 'run-'));
    going = new MasterRun(bed, folder, order);
    return going;
  }

  async function queue(): Promise<string[]> {
    const { stdout } = await bed.exec_on_head(['squeue', '-h', '-r', '-o', '%i %T']);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** How long the first of those that wait has waited. */
  async function seconds_in_queue(): Promise<number> {
    const { stdout } = await bed.exec_on_head(['squeue', '-h', '-r', '-t', 'PENDING', '-O', 'PendingTime']);
    return Number(stdout.trim().split(/\s+/)[0]);
  }

  // whatever a test did to its master
  afterEach(async () => {
    try {
      await expect.poll(queue, { timeout: 30_000 }).toEqual([]);
    } finally {
      // so that a test that fails does not make the next one fail
      await going?.process.kill('SIGKILL');
      await bed.exec_on_head(['scancel', '--user=root']);
    }
  });

  it('work on all nodes as one array job, and leave nothing in the queue or the folder', async () => {
    const going = run({
      slaves: [['slurm_slaves', 6, { time: '10:00' }]],
      tasks: squares(60, 50),
      hold: 1500,
    });
    await going.told('connected', 6);
    expect(new Set((await queue()).map((line) => line.split('_')[0])).size).toBe(1);
    const end = await going.end();
    expect_squares(end, 60);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
    expect(new Set(end.results.map(({ cwd }) => cwd))).toEqual(new Set([folder]));
    expect(readdirSync(folder).sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `bed.slave${n}`));
  });

  it('come while tasks wait, up to the maximum, and go when idle', async () => {
    const going = run({
      job: ['SlurmJob', { time: '10:00' }, 4],
      tasks: squares(40, 200),
      job_options: { idle_timeout: 500 },
      hold: 8000,
    });
    await going.told('end');
    await expect.poll(queue, { timeout: 7500 }).toEqual([]);
    const end = await going.end();
    expect_squares(end, 40);
    expect(end.largest).toBe(4);
    expect(new Set(end.results.map(({ pid, host }) => `${host} ${pid}`)).size).toBe(4);
  });

  it('are one for a single task', async () => {
    const end = await run({ job: ['SlurmJob', {}, 4], tasks: squares(1, 10) }).end();
    expect_squares(end, 1);
    expect(end.largest).toBe(1);
  });

  it('work within an allocation', async () => {
    const folder = mkdtempSync(join(bed.folder, 'run-'));
    const order: Order = { slaves: [['slurm_allocation_slaves']], tasks: squares(30, 100) };
    const words = ['salloc', '-Q', '-N3', '-n3', ...master_words(order)];
    const { exit_code, stdout, stderr } = await bed.exec_on_head(words, { cwd: folder });
    expect(exit_code, stderr + stdout).toBe(0);
    const end = read_end(stdout);
    expect_squares(end, 30);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
  });

  it.each([
    ['scancel', async (job: string) => void (await bed.exec_on_head(['scancel', job]))],
    [
      'preemption',
      async () => void (await bed.exec_on_head(['srun', '-Q', '-p', 'urgent', '-N3', '--exclusive', 'true'])),
    ],
  ])('charge no task with their end by %s', async (_, end_slave) => {
    const mark = join(mkdtempSync(join(bed.folder, 'mark-')), 'mark');
    const going = run({
      slaves: [['slurm_slaves', 1]],
      tasks: [['stay_once', mark]],
      job_options: { attempts: 1 },
    });
    await going.told('connected');
    await expect.poll(() => readdirSync(join(mark, '..'))).toEqual(['mark']);
    const [job = ''] = (await queue())[0]?.split(' ') ?? [];
    await end_slave(job);
    const end = await going.end();
    expect(end.results[0]?.value).toBe('second run');
    expect(end.failures).toMatchObject({ died: 0, evicted: 1 });
  });

  it('leave a run that loses a node in the middle', async () => {
    const going = run({
      slaves: [['slurm_slaves', 3, { extra_args: ['--exclusive'] }]],
      tasks: squares(40, 200),
      job_options: { attempts: 1, heartbeat_interval: 500, heartbeat_timeout: 3000, reconnect_timeout: 3000 },
    });
    await going.told('connected', 3);
    await going.told('done', 5);
    await bed.cut('node2');
    await bed.crash('node2');
    const end = await going.end();
    expect_squares(end, 40);
    expect(end.failures['died']).toBe(0);
    await bed.heal('node2');
    await bed.boot('node2');
    const state = () => bed.exec_on_head(['sinfo', '-h', '-p', 'debug', '-N', '-t', 'idle', '-o', '%N']);
    await expect.poll(async () => (await state()).stdout, { timeout: 30_000 }).toContain('node2');
  });

  it('may wait in the queue for longer than they have time to connect', async () => {
    const hold = await bed.exec_on_head([
      'sbatch',
      '--parsable',
      '--exclusive',
      '-N3',
      '-o',
      '/dev/null',
      '--wrap',
      'sleep 600',
    ]);
    const blocker = hold.stdout.trim();
    await expect.poll(queue, { timeout: 20_000 }).toEqual([`${blocker} RUNNING`]);
    const going = run({
      slaves: [['slurm_slaves', 2]],
      tasks: squares(4, 10),
      job_options: { start_timeout: 2500 },
    });
    await expect.poll(async () => (await queue()).length, { timeout: 20_000 }).toBe(3);
    // twice the time that they have from their start on
    await expect.poll(seconds_in_queue, { timeout: 30_000 }).toBeGreaterThanOrEqual(5);
    await bed.exec_on_head(['scancel', blocker]);
    const end = await going.end();
    expect_squares(end, 4);
    expect(end.failures).toMatchObject({ cannot_start: 0, lost: 0 });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'leave the queue when their master ends by %s',
    async (signal) => {
      const going = run({ slaves: [['slurm_slaves', 3]], tasks: squares(10, 60_000) });
      await going.told('connected', 3);
      await going.process.kill(signal);
      expect(await going.process.ended).toMatchObject({ signal });
    },
  );

  it('leave the queue when their master ends by an error that nobody caught, also those that wait', async () => {
    // 6 of the 8 find a place
    const going = run({ slaves: [['slurm_slaves', 8]], tasks: squares(100, 100), throw_after: 3 });
    expect(await going.process.ended).toMatchObject({ exit_code: 1 });
  });

  it('that wait in a closed partition leave the queue with the job', async () => {
    const going = run({ slaves: [['slurm_slaves', 2, { partition: 'closed' }]], tasks: squares(2, 1) });
    await expect.poll(async () => (await queue()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    await going.process.kill('SIGINT');
    expect(await going.process.ended).toMatchObject({ signal: 'SIGINT' });
  });
});
