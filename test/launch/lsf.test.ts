import { describe, expect, it } from 'vitest';
import { Lsf } from '../../src/launch/lsf.js';
import { an_order } from '../kit/an_order.js';

const orders = [0, 1, 2].map((n) =>
  an_order({ name: `job.slave${n}`, slave_id: n, log_file: `job.slave${n}` }),
);
const lsf = new Lsf({});

describe('bsub', () => {
  it('takes one array for all orders, and no more than is asked for', () => {
    const { command, input } = lsf.submit(orders);
    expect(command).toEqual(['bsub', '-J', 'job[1-3]', '-cwd', '/work dir', '-o', '/dev/null']);
    expect(input).toContain('case "$LSB_JOBINDEX" in');
    expect(input).toContain('  1) set -- --name job.slave0');
  });

  it('takes the options in its own words, times in minutes', () => {
    const options = {
      ...{ time: '1:30:01', memory: 2 ** 32, cpus: 2, account: 'chem', queue: 'long', project: 'p1' },
      extra_args: ['-x'],
    };
    expect(new Lsf(options).submit(orders).command.slice(7)).toEqual([
      ...[
        '-W',
        '91',
        '-M',
        '4096MB',
        '-n',
        '2',
        '-R',
        'span[hosts=1]',
        '-G',
        'chem',
        '-q',
        'long',
        '-P',
        'p1',
        '-x',
      ],
    ]);
    expect(new Lsf({ cpus: 1, memory: '4GB' }).submit(orders).command.slice(7)).toEqual([
      '-M',
      '4GB',
      '-n',
      '1',
    ]);
  });

  it('gets a name that cannot be taken for a range of indices', () => {
    expect(lsf.submit([an_order({ jobname: 'my [x]' })]).command[2]).toBe('my__x_[1-1]');
  });

  it.each([
    ['Job <4711> is submitted to queue <normal>.\n', '4711'],
    ['Job <4711> is submitted to default queue <normal>.\n', '4711'],
    ['Memory reservation is (MB): 2048\nJob <4711> is submitted to queue <q>.', '4711'],
    ['', undefined],
    ['Request aborted by esub. Job not submitted.', undefined],
  ])('answers an id, or does not: %j', (stdout, job_id) => {
    expect(lsf.read_job_id(stdout)).toBe(job_id);
  });
});

describe('bjobs', () => {
  it('is asked for all jobs at once, in columns of its own', () => {
    expect(lsf.status_command(['4711', '4712'])).toEqual([
      ...['bjobs', '-noheader', '-a', '-o'],
      ...["jobid jobindex stat exit_code exit_reason pend_reason delimiter='|'", '4711', '4712'],
    ]);
  });

  it('is understood', () => {
    const stdout = [
      '4711|1|RUN|-|-|-',
      '4711|2|PEND|-|-|Job slot limit reached;',
      '4711|3|EXIT|3|-|-',
      '4711|4|EXIT|140|TERM_RUNLIMIT: job killed after reaching LSF run time limit|-',
      '4711|5|DONE|-|-|-',
      '4711|6|UNKWN|-|-|-',
      '4711|7|EXIT|130|TERM_OWNER: job killed by owner|-',
      '4711|8|EXIT|137|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|-',
      '4711|9|SSUSP|-|-|-',
      '4711|10|ZOMBI|-|-|-',
      '',
    ].join('\n');
    const ended = { state: 'ended', is_evicted: false };
    expect(Object.fromEntries(lsf.read_status(stdout))).toMatchObject({
      '4711[1]': { state: 'running' },
      '4711[2]': { state: 'pending', reason: 'Job slot limit reached;' },
      '4711[3]': { ...ended, exit_code: 3, reason: 'EXIT' },
      '4711[4]': { state: 'ended', is_evicted: true },
      '4711[5]': { ...ended, exit_code: undefined, reason: 'DONE' },
      '4711[6]': { state: 'unknown', reason: 'its node cannot be reached' },
      '4711[7]': { state: 'ended', is_evicted: true },
      '4711[8]': { ...ended, exit_code: 137 },
      '4711[9]': { state: 'running' },
      '4711[10]': { state: 'ended' },
    });
  });

  it('has done its work when it says that all jobs are forgotten, and not when it could not ask', () => {
    expect(lsf.is_answer(255, 'Job <4711> is not found')).toBe(true);
    expect(lsf.is_answer(255, 'Job <4711[1]>: Job has already finished')).toBe(true);
    expect(
      lsf.is_answer(255, 'Failed in an LSF library call: Slave LIM configuration is not ready yet'),
    ).toBe(false);
  });

  it('may print anything', () => {
    expect(lsf.read_status('').size).toBe(0);
    expect(lsf.read_status('LSF is down. Please wait ...\n|||\n').size).toBe(0);
  });
});

it('bkill takes many at once', () => {
  expect(lsf.cancel_command([0, 2].map((i) => lsf.element('4711', i)))).toEqual([
    'bkill',
    '4711[1]',
    '4711[3]',
  ]);
});
