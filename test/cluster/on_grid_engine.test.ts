/** Slaves by Grid Engine, on hosts of their own: by qsub, and within a parallel environment. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Bed } from './bed/bed.js';
import { grid_engine_bed } from './bed/beds.js';
import { describe_with } from './bed/components.js';
import { expect_squares, MasterRun, master_words, type Order, read_end, squares } from './bed/master_run.js';

describe_with(['netns', 'grid_engine'], 'slaves by Grid Engine', () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await grid_engine_bed({ nodes: 3, slots: 2 });
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
    const { stdout } = await bed.exec_on_head(['qstat', '-g', 'd']);
    return stdout.split('\n').filter((line) => /^ *\d/.test(line));
  }

  // whatever a test did to its master
  afterEach(async () => {
    try {
      await expect.poll(queue, { timeout: 30_000 }).toEqual([]);
    } finally {
      // so that a test that fails does not make the next one fail
      await going?.process.kill('SIGKILL');
      await bed.exec_on_head(['qdel', '-f', '-u', '*']);
    }
  });

  it('work on all nodes as one array job, and leave nothing in the queue or the folder', async () => {
    const going = run({
      slaves: [['sge_qsub_slaves', 6, { time: '10:00' }]],
      tasks: squares(60, 50),
      hold: 1500,
    });
    await going.told('connected', 6);
    expect(new Set((await queue()).map((line) => line.trim().split(' ')[0])).size).toBe(1);
    const end = await going.end();
    expect_squares(end, 60);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
    expect(new Set(end.results.map(({ cwd }) => cwd))).toEqual(new Set([folder]));
    expect(readdirSync(folder).sort()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `bed.slave${n}`));
  });

  it('take options in the words of qsub', async () => {
    const order: Order = { slaves: [['SgeQsubSlave', '-q all.q@node2']], tasks: squares(3, 1) };
    const { results } = await run(order).end();
    expect(new Set(results.map(({ host }) => host))).toEqual(new Set(['node2']));
  });

  it('come while tasks wait, up to the maximum, and go when idle', async () => {
    const going = run({
      job: ['SgeQsubJob', {}, 4],
      tasks: squares(60, 200),
      job_options: { idle_timeout: 500 },
      hold: 10_000,
    });
    await going.told('end');
    await expect.poll(queue, { timeout: 9500 }).toEqual([]);
    const end = await going.end();
    expect_squares(end, 60);
    expect(end.largest).toBe(4);
    expect(new Set(end.results.map(({ pid, host }) => `${host} ${pid}`)).size).toBe(4);
  });

  it('work in a parallel environment, the first beside the master', async () => {
    const folder = mkdtempSync(join(bed.folder, 'run-'));
    const options = [
      '-sync',
      'y',
      '-cwd',
      '-V',
      '-pe',
      'bed',
      '3',
      '-b',
      'y',
      '-shell',
      'n',
      '-o',
      'out',
      '-e',
      'err',
    ];
    const words = ['qsub', ...options, ...master_words({ job: ['SgePeJob'], tasks: squares(30, 100) })];
    const { exit_code, stdout, stderr } = await bed.exec_on_head(words, { cwd: folder });
    expect(exit_code, stdout + stderr + read(join(folder, 'err'))).toBe(0);
    const end = read_end(read(join(folder, 'out')));
    expect_squares(end, 30);
    expect([...new Set(end.results.map(({ host }) => host))].sort()).toEqual([...bed.nodes]);
  });

  it('charge no task with the end of their walltime', async () => {
    const mark = join(mkdtempSync(join(bed.folder, 'mark-')), 'mark');
    const going = run({
      slaves: [['sge_qsub_slaves', 1, { time: 5000 }]],
      tasks: [['stay_once', mark]],
      job_options: { attempts: 1 },
    });
    const end = await going.end();
    expect(end.results[0]?.value).toBe('second run');
    expect(end.failures).toMatchObject({ died: 0, evicted: 1 });
  });

  it('are replaced before their walltime ends, so that no task is begun in vain', async () => {
    const going = run({
      slaves: [['sge_qsub_slaves', 1, { time: 10_000 }]],
      tasks: squares(9, 1000),
      job_options: { expected_time: 1000 },
    });
    const end = await going.end();
    expect_squares(end, 9);
    expect(new Set(end.results.map(({ grid_engine }) => grid_engine)).size).toBeGreaterThan(1);
    expect(end.failures).toMatchObject({ died: 0, evicted: 0, lost: 0, cannot_start: 0 });
  });

  it('charge no task with their end by qdel', async () => {
    const mark = join(mkdtempSync(join(bed.folder, 'mark-')), 'mark');
    const going = run({
      slaves: [['sge_qsub_slaves', 1]],
      tasks: [['stay_once', mark]],
      job_options: { attempts: 1 },
    });
    await going.told('connected');
    await expect.poll(() => readdirSync(join(mark, '..'))).toEqual(['mark']);
    const [job = ''] = (await queue())[0]?.trim().split(' ') ?? [];
    await bed.exec_on_head(['qdel', job]);
    const end = await going.end();
    expect(end.results[0]?.value).toBe('second run');
    expect(end.failures).toMatchObject({ died: 0, evicted: 1 });
  });

  it('leave a run that loses a node in the middle', async () => {
    const going = run({
      slaves: bed.nodes.map((node) => ['SgeQsubSlave', `-q all.q@${node}`] as const),
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
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'leave the queue when their master ends by %s',
    async (signal) => {
      const going = run({ slaves: [['sge_qsub_slaves', 3]], tasks: squares(10, 60_000) });
      await going.told('connected', 3);
      await going.process.kill(signal);
      expect(await going.process.ended).toMatchObject({ signal });
    },
  );

  it('leave the queue when their master ends by an error that nobody caught, also those that wait', async () => {
    // 6 of the 8 find a place
    const going = run({ slaves: [['sge_qsub_slaves', 8]], tasks: squares(100, 100), throw_after: 3 });
    expect(await going.process.ended).toMatchObject({ exit_code: 1 });
  });

  it('that wait in a closed queue leave it with the job', async () => {
    const going = run({ slaves: [['sge_qsub_slaves', 2, { queue: 'closed.q' }]], tasks: squares(2, 1) });
    await expect.poll(async () => (await queue()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    await going.process.kill('SIGINT');
    expect(await going.process.ended).toMatchObject({ signal: 'SIGINT' });
  });
});

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
