/** Slaves that outlive their master for a lease, and the master that takes them over. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { CommandSlave, tasks_from } from '../../src/index.js';
import { cluster_job, test_folder } from '../kit/cluster.js';
import { is_alive, Program, wait_gone } from '../kit/processes.js';

const TASKS = new URL('../tasks/process.js', import.meta.url);
const INDEX = pathToFileURL(join(process.cwd(), 'dist/bundle/index.js'));

interface Run {
  folder: string;
  gate: string;
  start(lease: number): Program;
}

/** A program with a task that waits for the gate, one that blocks until it is there, and two short ones. */
function new_run(): Run {
  const folder = test_folder();
  const gate = join(folder, 'gate');
  const script = join(folder, 'main.mjs');
  writeFileSync(
    script,
    `import { Job, local_slaves, tasks_from } from ${JSON.stringify(INDEX)};
     const tasks = tasks_from(${JSON.stringify(TASKS)});
     const gate = ${JSON.stringify(gate)};
     const job = new Job(local_slaves(2), { log_level: 'silent', restart: true, lease: Number(process.argv[2]) });
     job.on('slave_started', ({ pid }) => console.log('started ' + pid));
     job.on('task_done', ({ task, slave }) => console.log('done ' + task.index + ' ' + slave.pid));
     job.queue_task(tasks.wait_for_file(gate));
     job.queue_task(tasks.block_until_file(gate));
     job.queue_task(tasks.add(1, 2));
     job.queue_task(tasks.add(3, 4));
     console.log('results ' + JSON.stringify(await job.run_all_tasks()));
     await job.stop();`,
  );
  return { folder, gate, start: (lease) => new Program([script, String(lease)], { cwd: folder }) };
}

/** Waits until the status file says of both long tasks that a slave has them. */
async function both_are_recorded(folder: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  const recorded = () => {
    const lines = readFileSync(join(folder, 'main.status'), 'utf8').split('\n');
    return new Set(lines.filter((line) => line.includes('"kind":"assigned"'))).size;
  };
  while (recorded() < 2) {
    if (performance.now() > deadline) throw new Error('the long tasks were never recorded');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function started_pids(program: Program): Promise<number[]> {
  const pids: number[] = [];
  while (pids.length < 2) {
    const [word, pid] = (await program.line()).split(' ');
    if (word === 'started') pids.push(Number(pid));
  }
  return pids;
}

it('the next master takes over the slaves of a dead one, with the results of the tasks that they ran', async () => {
  const { folder, gate, start } = new_run();
  const first = start(60_000);
  const pids = await started_pids(first);
  await both_are_recorded(folder);
  expect(statSync(join(folder, 'main.status.secret')).mode & 0o777).toBe(0o600);
  first.child.kill('SIGKILL');
  await first.ended;

  const second = start(60_000);
  // the tasks end after the new master is there, or before: both must do
  writeFileSync(gate, '');
  const said = (await second.rest()).split('\n');
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(said.filter((line) => line.startsWith('started'))).toEqual([]);
  expect(said.at(-1)).toBe(`results ${JSON.stringify([gate, gate, 3, 7])}`);
  for (const line of said.filter((text) => text.startsWith('done'))) {
    expect(pids).toContain(Number(line.split(' ')[2]));
  }
  await wait_gone(pids);
  expect(() => statSync(join(folder, 'main.status.secret'))).toThrow('ENOENT');
});

it('concerns slaves of all kinds, of which it knows more or less', async () => {
  const job = cluster_job([new CommandSlave('{command}')], {
    jobname: 'far',
    restart: true,
    lease: 5000,
  });
  const { add } = tasks_from<{ add: (a: number, b: number) => number }>(TASKS);
  job.queue_task(add(1, 2));
  expect(await job.run_all_tasks()).toEqual([3]);
});

it('what ended while there was no master is kept', async () => {
  const { folder, gate, start } = new_run();
  const first = start(60_000);
  const pids = await started_pids(first);
  await both_are_recorded(folder);
  first.child.kill('SIGKILL');
  await first.ended;
  writeFileSync(gate, '');

  const second = start(60_000);
  const said = (await second.rest()).split('\n');
  expect(said.at(-1)).toBe(`results ${JSON.stringify([gate, gate, 3, 7])}`);
  expect(said.filter((line) => line.startsWith('started'))).toEqual([]);
  await wait_gone(pids);
});

it('slaves end when their lease is over, and with their master when they have none', async () => {
  for (const lease of [300, 0]) {
    const { folder, start } = new_run();
    const first = start(lease);
    const pids = await started_pids(first);
    await both_are_recorded(folder);
    first.child.kill('SIGKILL');
    await first.ended;
    // a task that has begun is let end, if there is a lease
    if (lease > 0) {
      expect(pids.filter(is_alive)).toHaveLength(2);
      writeFileSync(join(folder, 'gate'), '');
    }
    await wait_gone(pids);
  }
});
