/** What batch systems say of a job, and what is made of that. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BatchLauncher } from '../../src/launch/batch.js';
import type { BatchSystem } from '../../src/launch/batch_system.js';
import { GridEngine } from '../../src/launch/grid_engine.js';
import type { LaunchedProcess, ProcessEnd } from '../../src/launch/launcher.js';
import { Lsf } from '../../src/launch/lsf.js';
import { Pbs } from '../../src/launch/pbs.js';
import { Slurm } from '../../src/launch/slurm.js';
import { FakeCluster } from '../fake/cluster.js';
import { an_order } from '../kit/an_order.js';
import { test_folder } from '../kit/cluster.js';
import { wait_until } from '../kit/wait_until.js';

interface Kind {
  system: BatchSystem;
  which: ConstructorParameters<typeof FakeCluster>[0];
  ask: string;
  cancel: string;
}

const SLURM: Kind = { system: new Slurm({}), which: undefined, ask: 'squeue', cancel: 'scancel' };
const GRID_ENGINE: Kind = { system: new GridEngine({}), which: undefined, ask: 'qstat', cancel: 'qdel' };
const PBS: Kind = { system: new Pbs({}), which: 'openpbs', ask: 'qstat', cancel: 'qdel' };
const LSF: Kind = { system: new Lsf({}), which: undefined, ask: 'bjobs', cancel: 'bkill' };
const LONG = 15_000;

const ALL = [
  ['Slurm', SLURM],
  ['Grid Engine', GRID_ENGINE],
  ['PBS', PBS],
  ['LSF', LSF],
] as const;

let cluster: FakeCluster;
let folder: string;
const launched: LaunchedProcess[] = [];

beforeEach(() => {
  folder = test_folder();
});

afterEach(async () => {
  // with the commands that started them
  for (const process of launched) process.kill();
  await Promise.all(launched.splice(0).map(({ ended }) => ended));
  await cluster.stop();
});

function start({ system, which }: Kind, count = 1, hold?: string): LaunchedProcess[] {
  cluster = new FakeCluster(which).enter();
  if (hold !== undefined) cluster.hold(hold);
  const orders = Array.from({ length: count }, (_, i) =>
    an_order({
      ...{ name: `job.slave${i}`, slave_id: i, cwd: folder, log_file: join(folder, `job.slave${i}`) },
      ...{ slave_command: ['/bin/sh', '-c', 'exec sleep 600'], secret_file: () => join(folder, '.secret') },
    }),
  );
  const processes = new BatchLauncher(system, { env: {} }).start(orders);
  launched.push(...processes);
  return processes;
}

async function one(kind: Kind, hold?: string): Promise<LaunchedProcess> {
  const [process] = start(kind, 1, hold);
  await process?.accepted;
  return process as LaunchedProcess;
}

/** What is told of its end when somebody doubts that it lives. */
async function end_of(process: LaunchedProcess): Promise<ProcessEnd> {
  process.look?.();
  return process.ended;
}

const said = (process: LaunchedProcess, text: RegExp) =>
  wait_until(() => text.test(process.waits_for ?? ''), `${text} (${process.waits_for})`, LONG);

describe('a job that waits', () => {
  it.each([
    ['Slurm', SLURM, /^waits in the queue of Slurm as job 101_0 \(Licenses\)$/],
    ['Grid Engine', GRID_ENGINE, /^waits in the queue of Grid Engine as job 101\.1 \(qw\)$/],
    ['PBS', PBS, /^waits in the queue of PBS as job 101\.head\.cluster\.org \(Q\)$/],
    ['LSF', LSF, /^waits in the queue of LSF as job 101\[1\] \(Licenses\)$/],
  ])('of %s says why, as that says it', async (_name, kind, text) => {
    await said(await one(kind, 'Licenses'), text);
  });

  it.each(ALL)(
    'of %s: that nothing can be learnt, while the command that asks fails; and goes on then',
    async (_name, kind) => {
      const process = await one(kind, 'Priority');
      cluster.misbehave(kind.ask, { exit_code: 1, stderr: 'cannot contact the server\n' });
      await said(process, /of which nothing can be learnt just now \(\w+: cannot contact the server\)$/);
      cluster.behave(kind.ask);
      cluster.release();
      await process.started;
    },
  );
});

describe('a job that can never run', () => {
  it('of Grid Engine, in an error state, has failed, and is taken out of the queue', async () => {
    const process = await one(GRID_ENGINE, 'x');
    const [element = ''] = cluster.elements();
    cluster.set_state(element, 'error');
    const { reason } = await process.ended;
    expect(reason?.cause).toBe('submit_refused');
    expect(reason?.text).toMatch(
      /^will never run: job 101\.1 of Grid Engine is in an error state \(Eqw; qstat -j 101 says why\)$/,
    );
    await wait_until(() => cluster.live().length === 0, 'the empty queue', LONG);
  });

  it.each(['BadConstraints', 'PartitionTimeLimit', 'InvalidAccount'])(
    'of Slurm, for %s, too',
    async (why) => {
      const process = await one(SLURM, why);
      const { reason } = await process.ended;
      expect(reason).toEqual({
        cause: 'submit_refused',
        text: `will never run: job 101_0 of Slurm is in an error state (${why})`,
      });
      await wait_until(() => cluster.live().length === 0, 'the empty queue', LONG);
    },
  );
});

describe('a job that ran and is gone', () => {
  it.each([
    ['Slurm', SLURM, 'TIMEOUT'],
    ['Slurm', SLURM, 'PREEMPTED'],
    ['Slurm', SLURM, 'NODE_FAIL'],
    ['LSF', LSF, 'TIMEOUT'],
    ['LSF', LSF, 'PREEMPTED'],
  ])('of %s, by its own doing, is told as evicted: %s', async (_name, kind, word) => {
    const process = await one(kind);
    await process.started;
    const [element = ''] = cluster.elements();
    cluster.tell(element, 'end', word);
    const { evicted, reason } = await end_of(process);
    expect(evicted).toMatch(/^was ended by (Slurm|LSF) \(.*(TIMEOUT|PREEMPT|NODE_FAIL|RUNLIMIT)/);
    expect(reason).toBeUndefined();
  });

  it.each(ALL)('of %s is found out when it is forgotten there', async (_name, kind) => {
    const process = await one(kind);
    await process.started;
    cluster.forget();
    expect((await end_of(process)).evicted).toBeUndefined();
  });

  it.each(ALL)('of %s is not taken for gone while nothing can be learnt', async (_name, kind) => {
    const process = await one(kind);
    await process.started;
    cluster.misbehave(kind.ask, { exit_code: 1, stderr: 'cannot contact the server\n' });
    const before = cluster.calls(kind.ask).length;
    let has_ended = false;
    void process.ended.then(() => {
      has_ended = true;
    });
    process.look?.();
    await wait_until(() => cluster.calls(kind.ask).length >= before + 2, 'two questions', LONG);
    expect(has_ended).toBe(false);
  });

  it.each([
    ['Slurm', SLURM],
    ['LSF', LSF],
  ])('of %s without having been seen to run has left the queue', async (_name, kind) => {
    const process = await one(kind, 'Priority');
    const [element = ''] = cluster.elements();
    cluster.tell(element, 'cancel');
    expect((await process.ended).reason).toMatchObject({ cause: 'left_queue' });
  });
});

describe('many jobs', () => {
  it('are still asked after when somebody wants to know sooner all the time', async () => {
    const [process] = start(SLURM, 1, 'Priority');
    await process?.accepted;
    const pestering = setInterval(() => process?.look?.(), 50);
    await wait_until(() => cluster.calls('squeue').length > 1, 'two questions', LONG).finally(() =>
      clearInterval(pestering),
    );
  });

  it('that are one array are told apart', async () => {
    const processes = start(SLURM, 3);
    await Promise.all(processes.map(({ started }) => started));
    const [, second = ''] = cluster.elements();
    cluster.tell(second, 'end', 'NODE_FAIL');
    let others = 0;
    for (const i of [0, 2]) void processes[i]?.ended.then(() => others++);
    const { evicted } = await end_of(processes[1] as LaunchedProcess);
    expect(evicted).toContain('NODE_FAIL');
    expect(others).toBe(0);
  });

  it('are tried to cancel again when that fails', async () => {
    const process = await one(SLURM, 'Priority');
    cluster.misbehave('scancel', { exit_code: 1, stderr: 'cannot contact the server\n' });
    process.kill();
    await wait_until(() => cluster.calls('scancel').length === 1, 'a first try', LONG);
    cluster.behave('scancel');
    await process.ended;
    await wait_until(() => cluster.live().length === 0, 'the empty queue', LONG);
  });
});
