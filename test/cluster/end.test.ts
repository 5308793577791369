/** However a master ends, no slave process is left, busy or idle. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LocalSlave, tasks_from } from '../../src/index.js';
import { cluster_job, test_folder } from '../kit/cluster.js';
import { is_alive, Program, wait_gone } from '../kit/processes.js';

const TASKS = new URL('../tasks/process.js', import.meta.url);
const INDEX = pathToFileURL(join(process.cwd(), 'dist/bundle/index.js'));
const tasks = tasks_from<typeof import('../tasks/process.js')>(TASKS);

/** A master with a busy slave, whose event loop is blocked, a slave with a child, and an idle one. */
async function busy_master(ending: string): Promise<{ program: Program; pids: number[] }> {
  const folder = test_folder();
  const script = join(folder, 'main.mjs');
  writeFileSync(
    script,
    `import { Job, local_slaves, tasks_from } from ${JSON.stringify(INDEX)};
     const tasks = tasks_from(${JSON.stringify(TASKS)});
     const job = new Job(local_slaves(3), { log_level: 'silent' });
     await job.start();
     const pids = job.map((slave) => slave.pid);
     const child = await job.run_task(tasks.leave_child());
     job.run_task(tasks.spin_for(600_000)).catch(() => {});
     job.run_task(tasks.sleep_for(600_000)).catch(() => {});
     const idle = await job.run_task(tasks.pid());
     console.log(JSON.stringify([...pids, child]));
     ${ending}`,
  );
  const program = new Program([script], { cwd: folder });
  const pids = JSON.parse(await program.line()) as number[];
  expect(pids).toHaveLength(4);
  return { program, pids };
}

describe('no slave is left behind', () => {
  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('when the master is ended by %s', async (signal) => {
    const { program, pids } = await busy_master('');
    expect(pids.every(is_alive)).toBe(true);
    program.child.kill(signal);
    await program.ended;
    await wait_gone(pids);
  });

  it('when the master ends by an uncaught error', async () => {
    const { program, pids } = await busy_master("setTimeout(() => { throw new Error('oh') }, 10);");
    expect(await program.ended).toMatchObject({ code: 1 });
    await wait_gone(pids);
  });

  it('when the master calls process.exit', async () => {
    const { program, pids } = await busy_master('process.exit(4);');
    expect(await program.ended).toMatchObject({ code: 4 });
    await wait_gone(pids);
  });

  it('when the job is stopped while slaves are busy, and what waited is told so', async () => {
    const job = cluster_job<unknown>(3);
    const child = (await job.run_task(tasks.leave_child())) as number;
    const spinning = job.run_task(tasks.spin_for(600_000));
    job.queue_task(tasks.sleep_for(600_000));
    const run = job.run_all_tasks();
    await job.start();
    const pids = job.map((slave) => slave.pid as number);
    const stopped = job.stop();
    await expect(spinning).rejects.toMatchObject({ code: 'PARJOB_ERR_STATE' });
    await expect(run).rejects.toThrow('the job was stopped');
    await stopped;
    expect([...pids, child].filter(is_alive)).toEqual([]);
    await job.stop();
    expect(job.map((slave) => slave.state)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  it('when the job is stopped while slaves start', async () => {
    const job = cluster_job<unknown>(2);
    const pids: number[] = [];
    const started = new Promise<void>((resolve) => {
      job.on('slave_started', ({ pid }) => {
        pids.push(pid as number);
        resolve();
      });
    });
    const ready = expect(job.start()).rejects.toThrow('the job was stopped');
    await started;
    await job.stop();
    expect(pids.filter(is_alive)).toEqual([]);
    await ready;
  });

  it('when a slave is taken out of the list: it finishes its task first', async () => {
    const job = cluster_job<unknown>([new LocalSlave(), new LocalSlave()]);
    await job.start();
    for (let i = 0; i < 2; i++) job.queue_task(tasks.sleep_for(300));
    const results = job.run_all_tasks();
    const removed = job.pop();
    const pid = removed?.pid as number;
    expect(await results).toEqual([300, 300]);
    await wait_gone([pid]);
  });
});

describe('a master that forgets to stop its job', () => {
  it('ends all the same when its work is done', async () => {
    const folder = test_folder();
    const script = join(folder, 'main.mjs');
    writeFileSync(
      script,
      `import { Job, local_slaves, tasks_from } from ${JSON.stringify(INDEX)};
       const tasks = tasks_from(${JSON.stringify(TASKS)});
       const job = new Job(local_slaves(2));
       job.queue_task(tasks.add(1, 2));
       console.log((await job.run_all_tasks())[0]);
       console.log(job.map((slave) => slave.pid).join(' '));`,
    );
    const program = new Program([script], { cwd: folder });
    expect(await program.line()).toBe('3');
    const pids = (await program.line()).split(' ').filter(Boolean).map(Number);
    expect(await program.ended).toMatchObject({ code: 0 });
    await wait_gone(pids);
  });
});
