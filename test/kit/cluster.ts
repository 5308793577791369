/** Jobs with real slaves for a test, in a folder of their own, with nothing left behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { Job, type JobEvents, type JobOptions, local_slaves, type Slave } from '../../src/index.js';
import { wait_gone } from './processes.js';

const folders: string[] = [];
const jobs: Job<unknown>[] = [];
const pids: number[] = [];

/** A new folder, removed after the test. */
export function test_folder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parjob-test-'));
  folders.push(folder);
  return folder;
}

/** A job that is stopped after the test, and whose slaves must then be gone. */
export function cluster_job<Result = unknown>(
  slaves: number | Slave[],
  options: JobOptions = {},
): Job<Result> {
  const job = new Job<Result>(typeof slaves === 'number' ? local_slaves(slaves) : slaves, {
    jobname: 'test',
    log_dir: test_folder(),
    log_level: 'silent',
    ...options,
  });
  job.on('slave_started', ({ pid }) => {
    if (pid !== undefined) pids.push(pid);
  });
  jobs.push(job as Job<unknown>);
  return job;
}

/** The next event of that name. */
export function next_event<E extends keyof JobEvents, R>(job: Job<R>, name: E): Promise<JobEvents[E]> {
  return new Promise((resolve) => {
    const listener = (event: JobEvents[E]) => {
      job.off(name, listener);
      resolve(event);
    };
    job.on(name, listener);
  });
}

afterEach(async () => {
  await Promise.all(jobs.splice(0).map((job) => job.stop()));
  await wait_gone(pids.splice(0));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
