/**
 * Simulated slaves of parjob: a Job of many slaves that are all connections of one holder process.
 *
 *     Job ─▶ SimulatedSlave.launcher ─▶ LaunchOrder by IPC ─▶ sim_holder.js ─▶ dials the Job, as a slave would
 *
 * To the Job they are slaves like any other: they are launched, shake hands, have a pulse, and run tasks.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Job, Slave, tasks_from } from 'parjob';
import { TASKS_URL } from './contenders/contender.js';

const HOLDER = fileURLToPath(new URL('./sim_holder.js', import.meta.url));

/** Has so many no-op tasks run, all queued at once. */
export type RunTasks = (tasks: number) => Promise<void>;

class SimulatedSlave extends Slave {
  override readonly launcher: Slave['launcher'];

  constructor(holder: ChildProcess) {
    super();
    this.launcher = {
      kind: 'simulated',
      host: 'simulated',
      reach: 'local',
      pace: { at_once: 16, until: 'ready' },
      start: (orders) => orders.map((order) => start(order)),
    };
    const start = (order: object) => {
      holder.send(order);
      type End = { exit_code: number; signal: undefined; error: undefined };
      let end: (end: End) => void;
      return {
        command: ['simulated'],
        pid: holder.pid,
        ended: new Promise<End>((resolve) => {
          end = resolve;
        }),
        kill: () => end({ exit_code: 0, signal: undefined, error: undefined }),
      };
    };
  }
}

/** A Job with so many simulated slaves, all of them connected. Ends with this process. */
export async function simulated_job(slaves: number): Promise<RunTasks> {
  const holder = fork(HOLDER, { execArgv: [] });
  const members = Array.from({ length: slaves }, () => new SimulatedSlave(holder));
  const job = new Job(members, { jobname: 'simulated', log_dir: process.cwd() });
  await job.start();
  const { noop } = tasks_from<typeof import('./tasks.js')>(TASKS_URL);
  return async (tasks) => {
    for (let i = 0; i < tasks; i++) job.queue_task(noop({ i, s: 'abc' }));
    const results = await job.run_all_tasks();
    if (results.length !== tasks || results.at(-1) !== tasks - 1) throw new Error('wrong results');
  };
}
