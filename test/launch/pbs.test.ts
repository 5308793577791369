import { describe, expect, it } from 'vitest';
import { Pbs } from '../../src/launch/pbs.js';
import { an_order } from '../kit/an_order.js';

const orders = [0, 1, 2].map((n) =>
  an_order({ name: `job.slave${n}`, slave_id: n, log_file: `job.slave${n}` }),
);
const pbs = new Pbs({});
const torque = new Pbs({ flavour: 'torque' });
const COMMON = ['qsub', '-N', 'job', '-S', '/bin/sh', '-V', '-j', 'oe', '-o', '/dev/null'];

describe('qsub of PBS', () => {
  it('takes one array for all orders: -J for OpenPBS, -t for Torque', () => {
    expect(pbs.submit(orders).command).toEqual([...COMMON, '-J', '0-2']);
    expect(torque.submit(orders).command).toEqual([...COMMON, '-t', '0-2']);
    for (const system of [pbs, torque])
      expect(system.submit(orders).input).toContain(`case "\${PBS_ARRAY_INDEX:-\${PBS_ARRAYID:-0}}" in`);
  });

  it('takes a plain job for one, since OpenPBS knows no array of one', () => {
    expect(pbs.submit(orders.slice(0, 1)).command).toEqual(COMMON);
    expect(pbs.element('12.head', 0, 1)).toBe('12.head');
  });

  it('takes the options in its own words', () => {
    const options = {
      time: '1:30:00',
      memory: '4gb',
      cpus: 2,
      account: 'chem',
      queue: 'long',
      extra_args: ['-m', 'n'],
    };
    expect(new Pbs(options).submit(orders).command.slice(12)).toEqual([
      ...['-l', 'select=1:ncpus=2:mem=4gb', '-l', 'walltime=1:30:00', '-A', 'chem', '-q', 'long', '-m', 'n'],
    ]);
    expect(new Pbs({ ...options, flavour: 'torque' }).submit(orders).command.slice(12)).toEqual([
      ...[
        '-l',
        'nodes=1:ppn=2',
        '-l',
        'mem=4gb',
        '-l',
        'walltime=1:30:00',
        '-A',
        'chem',
        '-q',
        'long',
        '-m',
        'n',
      ],
    ]);
    expect(new Pbs({ memory: 2 ** 30 }).submit(orders).command.slice(12)).toEqual([
      '-l',
      'select=1:ncpus=1:mem=1024mb',
    ]);
  });

  it.each([
    ['a_very_long_name_of_a_job', 'a_very_long_nam'],
    ['3 models', 'j3_models'],
    ['0123456789abcdef', 'j0123456789abcd'],
    ['_x', 'j_x'],
  ])('gets a name that all versions take: %s', (jobname, name) => {
    expect(pbs.submit([an_order({ jobname })]).command[2]).toBe(name);
  });

  it.each([
    ['1234.pbs-server\n', '1234.pbs-server'],
    ['1234[].head.cluster.org\n', '1234[].head.cluster.org'],
    ['qsub: note\n1234[].head\n', '1234[].head'],
    ['1234\n', '1234'],
    ['', undefined],
    ['qsub: waiting for job 12.head to start', undefined],
  ])('answers an id, or does not: %j', (stdout, job_id) => {
    expect(pbs.read_job_id(stdout)).toBe(job_id);
  });

  it('calls the elements by job, index and server', () => {
    expect(pbs.element('1234[].head', 3, 5)).toBe('1234[3].head');
    expect(pbs.element('1234.head', 3, 5)).toBe('1234[3].head');
  });
});

describe('qstat of PBS', () => {
  const OPENPBS = `Job id            Name             User              Time Use S Queue
----------------  ---------------- ----------------  -------- - -----
1234[].pbs-serv*  job              me                       0 B workq
1234[0].pbs-ser*  job              me                00:00:01 R workq
1234[1].pbs-ser*  job              me                       0 Q workq
1234[2].pbs-ser*  job              me                       0 H workq
1234[3].pbs-ser*  job              me                00:00:07 X workq
1235.pbs-server   job              me                00:00:00 E workq
`;
  const TORQUE = `Job ID                    Name             User            Time Use S Queue
------------------------- ---------------- --------------- -------- - -----
77[0].head.cluster.org     job-0            me              00:00:00 R batch
77[1].head.cluster.org     job-1            me                     0 Q batch
77[2].head.cluster.org     job-2            me              00:00:03 C batch
`;

  it.each([
    ['1234[0].pbs-server.long.example.org', { state: 'running' }],
    ['1234[1].pbs-server.long.example.org', { state: 'pending', reason: 'Q' }],
    ['1234[2].pbs-server.long.example.org', { state: 'pending', reason: 'on hold' }],
    ['1234[3].pbs-server.long.example.org', { state: 'ended', reason: 'X' }],
    ['1235.pbs-server', { state: 'ended', reason: 'E' }],
    ['1236.pbs-server', undefined],
    ['1234[9].pbs-server', undefined],
  ])('of OpenPBS tells of %s, though it cuts names off', (element, status) => {
    expect(pbs.read_status(OPENPBS).get(element)).toEqual(status);
  });

  it.each([
    ['77[0].head.cluster.org', 'running'],
    ['77[1].head.cluster.org', 'pending'],
    ['77[2].head.cluster.org', 'ended'],
  ])('of Torque tells of %s', (element, state) => {
    expect(torque.read_status(TORQUE).get(element)?.state).toBe(state);
  });

  it('is asked for all jobs at once, with their elements', () => {
    expect(pbs.status_command(['1234[].head', '1235.head'])).toEqual([
      'qstat',
      '-t',
      '1234[].head',
      '1235.head',
    ]);
  });

  it('is not taken for an answer when it could not ask, and is when all jobs are gone', () => {
    expect(pbs.is_answer(153, 'qstat: Unknown Job Id 1234.head')).toBe(true);
    expect(
      pbs.is_answer(
        35,
        'qstat: 1234.head Job has finished, use -x or -H to obtain historical job information',
      ),
    ).toBe(true);
    expect(pbs.is_answer(255, 'Connection refused\nqstat: cannot connect to server head (errno=15010)')).toBe(
      false,
    );
  });

  it('may print anything', () => {
    expect(pbs.read_status('').size).toBe(0);
    expect(pbs.read_status('12\n\n[]. R x\n').size).toBe(0);
  });
});

it('qdel of PBS takes many at once', () => {
  expect(pbs.cancel_command(['1234[0].head', '1235.head'])).toEqual(['qdel', '1234[0].head', '1235.head']);
});
