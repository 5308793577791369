import { describe, expect, it } from 'vitest';
import { GridEngine } from '../../src/launch/grid_engine.js';
import { an_order } from '../kit/an_order.js';

const orders = [0, 1, 2].map((n) =>
  an_order({ name: `job.slave${n}`, slave_id: n, log_file: `job.slave${n}` }),
);
const grid_engine = new GridEngine({});

/** As qstat -xml of Son of Grid Engine 8.1.9 prints it. */
function job_list(id: number, state: string, tasks?: string): string {
  return `    <job_list state="${/[rt]/.test(state) ? 'running' : 'pending'}">
      <JB_job_number>${id}</JB_job_number>
      <JAT_prio>0.75000</JAT_prio>
      <JB_name>job</JB_name>
      <JB_owner>me</JB_owner>
      <state>${state}</state>
      <JAT_start_time>2026-11-22T04:00:36</JAT_start_time>
      <queue_name>all.q@vm</queue_name>
      <slots>1</slots>${tasks === undefined ? '' : `\n      <tasks>${tasks}</tasks>`}
    </job_list>`;
}

function answer(...jobs: string[]): string {
  return `<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
  <queue_info>
${jobs.join('\n')}
  </queue_info>
  <job_info>
  </job_info>
</job_info>
`;
}

describe('qsub', () => {
  it('takes one array for all orders, and no more than is asked for', () => {
    const { command, input } = grid_engine.submit(orders);
    expect(command).toEqual([
      ...['qsub', '-terse', '-N', 'job', '-t', '1-3', '-S', '/bin/sh', '-V'],
      ...['-wd', '/work dir', '-j', 'y', '-o', '/dev/null', '-r', 'n', '-notify'],
    ]);
    expect(input).toContain('case "$SGE_TASK_ID" in');
    expect(input).toContain('  1) set -- --name job.slave0');
    expect(input).not.toContain('--ends-at');
  });

  it('takes the options in its own words', () => {
    const options = {
      ...{ time: '1:30:00', memory: '4G', account: 'chem', queue: 'long.q', project: 'p1', pe: 'mpi 4' },
      extra_args: ['-l', 'arch=lx-amd64'],
    };
    const { command, input } = new GridEngine(options).submit(orders);
    expect(command.slice(18)).toEqual([
      ...['-l', 'h_rt=1:30:00', '-l', 'h_vmem=4G', '-A', 'chem', '-q', 'long.q', '-P', 'p1'],
      ...['-pe', 'mpi', '4', '-l', 'arch=lx-amd64'],
    ]);
    expect(input).toContain(' --ends-at "$(( $(date +%s) + 5400 ))"');
  });

  it('asks for CPUs by the parallel environment smp', () => {
    expect(new GridEngine({ cpus: 4 }).submit(orders).command.slice(18)).toEqual(['-pe', 'smp', '4']);
    expect(new GridEngine({ cpus: 1 }).submit(orders).command.slice(18)).toEqual([]);
    expect(new GridEngine({ memory: 2 ** 30 }).submit(orders).command.slice(18)).toEqual([
      '-l',
      'h_vmem=1024M',
    ]);
  });

  it.each([
    ['3models', 'j3models'],
    ['my job: a/b@c*', 'my_job__a_b_c_'],
    ['märchen', 'm_rchen'],
  ])('gets a name that it takes: %s', (jobname, name) => {
    const { command } = grid_engine.submit([an_order({ jobname })]);
    expect(command[command.indexOf('-N') + 1]).toBe(name);
  });

  it.each([
    ['20.1-3:1\n', '20'],
    ['20.1-1:1\n', '20'],
    ['20\n', '20'],
    ['Your job-array 22.1-4:1 ("job") has been submitted\n', '22'],
    ['Your job 21 ("job") has been submitted\n', '21'],
    ['Welcome to our cluster!\n20.1-3:1\n', '20'],
    ['', undefined],
    ['Unable to run job: denied', undefined],
  ])('answers an id, or does not: %j', (stdout, job_id) => {
    expect(grid_engine.read_job_id(stdout)).toBe(job_id);
  });

  it('counts the elements from 1', () => {
    expect([0, 9].map((i) => grid_engine.element('20', i))).toEqual(['20.1', '20.10']);
  });
});

describe('qstat', () => {
  it('is understood: what that of Son of Grid Engine printed', () => {
    const statuses = grid_engine.read_status(
      answer(
        job_list(20, 'r', '1'),
        job_list(20, 't', '2'),
        job_list(22, 'qw', '2-4:1'),
        job_list(25, 'qw', '1,2'),
        job_list(21, 'hqw'),
        job_list(28, 'Eqw', '1,2'),
      ),
    );
    const waits = { state: 'pending', reason: 'qw' };
    const fails = { state: 'pending', reason: 'Eqw; qstat -j 28 says why', is_hopeless: true };
    expect(Object.fromEntries(statuses)).toEqual({
      '20.1': { state: 'running' },
      '20.2': { state: 'running' },
      '21.1': { state: 'pending', reason: 'on hold' },
      '22.2': waits,
      '22.3': waits,
      '22.4': waits,
      '25.1': waits,
      '25.2': waits,
      '28.1': fails,
      '28.2': fails,
    });
  });

  it.each([
    ['1-9:2,12', ['1', '3', '5', '7', '9', '12']],
    ['4-6', ['4', '5', '6']],
    ['3,5-6:1', ['3', '5', '6']],
  ])('tells of many elements in one: %s', (tasks, elements) => {
    const statuses = grid_engine.read_status(answer(job_list(7, 'qw', tasks)));
    expect([...statuses.keys()]).toEqual(elements.map((element) => `7.${element}`));
  });

  it.each([
    ['r', 'running'],
    ['Rr', 'running'],
    ['t', 'running'],
    ['dr', 'running'],
    ['dt', 'running'],
    ['s', 'running'],
    ['S', 'running'],
    ['T', 'running'],
    ['qw', 'pending'],
    ['Rq', 'pending'],
    ['hqw', 'pending'],
    ['hRwq', 'pending'],
    ['dqw', 'pending'],
  ])('says %s: %s', (letters, state) => {
    const status = grid_engine.read_status(answer(job_list(7, letters, '1'))).get('7.1');
    expect(status).toMatchObject({ state });
    expect(status?.is_hopeless).toBeUndefined();
  });

  it('is not taken for an answer when it could not ask, and is when some jobs are gone', () => {
    expect(grid_engine.is_answer(0, '')).toBe(true);
    expect(grid_engine.is_answer(1, 'denied: job "123456" does not exist')).toBe(true);
    expect(
      grid_engine.is_answer(
        1,
        'error: commlib error: got select error (Connection refused)\nerror: unable to send message to qmaster',
      ),
    ).toBe(false);
  });

  it('may print anything', () => {
    expect(grid_engine.read_status('').size).toBe(0);
    expect(grid_engine.read_status('<job_list><tasks>1-</tasks></job_list>').size).toBeLessThan(2);
  });
});

it('qdel takes many at once', () => {
  expect(grid_engine.cancel_command(['20.1', '20.3'])).toEqual(['qdel', '20.1', '20.3']);
});
