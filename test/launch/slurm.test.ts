import { describe, expect, it } from 'vitest';
import { Slurm } from '../../src/launch/slurm.js';
import { an_order } from '../kit/an_order.js';

const orders = [0, 1, 2].map((n) =>
  an_order({ name: `job.slave${n}`, slave_id: n, log_file: `job.slave${n}` }),
);

/** A line of squeue, as wide as it is asked for. */
function line(...fields: [element: string, state: string, reason: string, exit: string]): string {
  return fields.map((field) => field.padEnd(60)).join('');
}

describe('sbatch', () => {
  it('takes one array for all orders, and no more than is asked for', () => {
    const { command, input } = new Slurm({}).submit(orders);
    expect(command).toEqual([
      ...['sbatch', '--parsable', '--job-name', 'job', '--array', '0-2'],
      ...['--chdir', '/work dir', '--output', '/dev/null', '--no-requeue'],
    ]);
    expect(input).toMatch(/^#!\/bin\/sh\n/);
    expect(input).toContain('case "$SLURM_ARRAY_TASK_ID" in');
    expect(input).toContain(` --ends-at "\${SLURM_JOB_END_TIME:-}"`);
  });

  it('takes the options in its own words', () => {
    const options = {
      ...{ time: '1:30:00', partition: 'short', memory: '4G', cpus: 2, account: 'chem' },
      ...{ qos: 'low', constraint: 'avx2&ib', gres: 'gpu:1', extra_args: ['--exclusive', '--nice=100'] },
    };
    expect(new Slurm(options).submit(orders).command.slice(11)).toEqual([
      ...['--time', '1:30:00', '--partition', 'short', '--mem', '4G', '--cpus-per-task', '2'],
      ...['--account', 'chem', '--qos', 'low', '--constraint', 'avx2&ib', '--gres', 'gpu:1'],
      ...['--exclusive', '--nice=100'],
    ]);
  });

  it('is told times in ms as hours, and bytes as MiB', () => {
    const { command, input } = new Slurm({ time: 36 * 3_600_000, memory: 1.5 * 2 ** 30 + 1 }).submit(orders);
    expect(command.slice(11)).toEqual(['--time', '36:00:00', '--mem', '1537M']);
    expect(input).toContain(`--ends-at "\${SLURM_JOB_END_TIME:-$(( $(date +%s) + 129600 ))}"`);
  });

  it.each([
    ['4711\n', '4711'],
    ['4711;cluster-2\n', '4711'],
    ['sbatch: warning of a plugin\n4711\n', '4711'],
    ['Submitted batch job 4711\n', undefined],
    ['', undefined],
    ['job 4711 is on its way', undefined],
  ])('answers an id, or does not: %j', (stdout, job_id) => {
    expect(new Slurm({}).read_job_id(stdout)).toBe(job_id);
  });

  it('calls the elements by job and index', () => {
    expect([0, 1, 11].map((i) => new Slurm({}).element('4711', i))).toEqual(['4711_0', '4711_1', '4711_11']);
  });
});

describe('squeue', () => {
  const slurm = new Slurm({});

  it('is asked for all jobs at once', () => {
    expect(slurm.status_command(['4711', '4712'])).toEqual([
      ...['squeue', '--noheader', '--array', '--states=all'],
      ...['--Format=JobArrayID:60,State:60,Reason:60,exit_code:60', '--jobs=4711,4712'],
    ]);
  });

  it('is understood: what that of 22.05 printed', () => {
    const stdout = [
      line('90_0', 'FAILED', 'NonZeroExitCode', '768'),
      line('89_0', 'CANCELLED', 'None', '15'),
      line('89_1', 'RUNNING', 'None', '0'),
      line('89_2', 'PENDING', 'Resources', '0'),
      line('91_0', 'COMPLETED', 'None', '0'),
      line('92_0', 'FAILED', 'RaisedSignal:9(Killed)', '9'),
      '',
    ].join('\n');
    expect(Object.fromEntries(slurm.read_status(stdout))).toEqual({
      '90_0': { state: 'ended', reason: 'FAILED', is_evicted: false, exit_code: 3 },
      '89_0': { state: 'ended', reason: 'CANCELLED', is_evicted: true, exit_code: undefined },
      '89_1': { state: 'running' },
      '89_2': { state: 'pending', reason: 'Resources', is_hopeless: false },
      '91_0': { state: 'ended', reason: 'COMPLETED', is_evicted: false, exit_code: undefined },
      '92_0': { state: 'ended', reason: 'FAILED', is_evicted: false, exit_code: undefined },
    });
  });

  it.each([
    ['PENDING', 'pending'],
    ['CONFIGURING', 'pending'],
    ['REQUEUED', 'pending'],
    ['RUNNING', 'running'],
    // it has ended, and does not say yet whether by itself
    ['COMPLETING', 'running'],
    ['SUSPENDED', 'running'],
    ['TIMEOUT', 'ended'],
    ['NODE_FAIL', 'ended'],
    ['OUT_OF_MEMORY', 'ended'],
  ])('says %s, which is %s to us', (state, ours) => {
    expect(slurm.read_status(line('1_0', state, 'None', '0')).get('1_0')?.state).toBe(ours);
  });

  it.each([
    ['TIMEOUT', true],
    ['PREEMPTED', true],
    ['NODE_FAIL', true],
    ['OUT_OF_MEMORY', false],
    ['FAILED', false],
    ['COMPLETED', false],
  ])('says %s: charged to nobody? %s', (state, is_evicted) => {
    expect(slurm.read_status(line('1_0', state, 'None', '0')).get('1_0')?.is_evicted).toBe(is_evicted);
  });

  it.each([
    ['Priority', false],
    ['BeginTime', false],
    ['ReqNodeNotAvail, UnavailableNodes:node[1-3]', false],
    ['QOSMaxCpuPerUserLimit', false],
    ['InvalidAccount', true],
    ['BadConstraints', true],
    ['PartitionTimeLimit', true],
  ])('says what a job waits for: %s; for ever? %s', (reason, is_hopeless) => {
    expect(slurm.read_status(line('1_0', 'PENDING', reason, '0')).get('1_0')).toEqual({
      state: 'pending',
      reason,
      is_hopeless,
    });
  });

  it('has done its work when it says that all jobs are forgotten, and not when it could not ask', () => {
    expect(slurm.is_answer(0, '')).toBe(true);
    expect(slurm.is_answer(1, 'slurm_load_jobs error: Invalid job id specified')).toBe(true);
    expect(slurm.is_answer(1, 'slurm_load_jobs error: Unable to contact slurm controller')).toBe(false);
    expect(slurm.is_answer(undefined, '')).toBe(false);
  });

  it('may print anything', () => {
    expect(slurm.read_status('').size).toBe(0);
    expect(slurm.read_status('slurm_load_jobs: what?\n').get('1_0')).toBeUndefined();
  });
});

it('scancel takes many at once', () => {
  expect(new Slurm({}).cancel_command(['4711_0', '4711_2'])).toEqual([
    'scancel',
    '--quiet',
    '4711_0',
    '4711_2',
  ]);
});
