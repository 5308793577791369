/** Slaves that are no processes, and jobs of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Job } from '../../src/master/job.js';
import type { JobOptions } from '../../src/master/job_options.js';
import { Slave } from '../../src/master/slave.js';
import { FakeLauncher, type FakeProcess, type Plan } from './fake_launcher.js';
import { wait_until } from './wait_until.js';

export class FakeSlave extends Slave {
  override readonly launcher: FakeLauncher;

  /** What becomes of its first launches; later ones go as the last of them. */
  constructor(...plans: Plan[]) {
    super();
    this.launcher = new FakeLauncher(plans);
  }

  /** Its latest process. */
  get process(): FakeProcess {
    const process = this.launcher.processes.at(-1);
    if (process === undefined) throw new Error('this slave was never launched');
    return process;
  }

  /** Its latest process, when it has been launched so often and runs a task. */
  async busy(launches = 1): Promise<FakeProcess> {
    await wait_until(() => this.launcher.processes.length >= launches, `launch ${launches} of a slave`);
    await this.process.runs_a_task();
    return this.process;
  }
}

export function fake_slaves(count: number): FakeSlave[] {
  return Array.from({ length: count }, () => new FakeSlave());
}

/** A folder that is removed after the test. */
export function unit_folder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parjob-unit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A job of fake slaves that is stopped after the test. */
export function unit_job<Result = unknown>(
  slaves: number | readonly Slave[],
  options: JobOptions = {},
): Job<Result> {
  const job = new Job<Result>(typeof slaves === 'number' ? fake_slaves(slaves) : slaves, {
    jobname: 'unit',
    log_dir: tmpdir(),
    log_level: 'silent',
    ...options,
  });
  onTestFinished(() => job.stop());
  return job;
}

/** What `promise` is rejected with. */
export async function rejection<E = Error>(promise: Promise<unknown>): Promise<E> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error(`expected a rejection, got ${String(value)}`);
}
