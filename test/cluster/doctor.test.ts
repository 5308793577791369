/** What is said of slaves that do not start: each fault is injected, and must be named rightly, with what to do. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type LaunchError,
  LocalSlave,
  SshSlave,
  sge_qsub_slaves,
  slurm_slaves,
  tasks_from,
} from '../../src/index.js';
import { cluster_job, test_folder } from '../kit/cluster.js';

const { add } = tasks_from<{ add(a: number, b: number): number }>(
  new URL('../tasks/process.js', import.meta.url),
);
const PATH = process.env['PATH'];
/** Runs the text for the shell of the node, which is the last word, here. */
const RUN_HERE = 'for last; do :; done; exec /bin/sh -c "$last"';

let folder: string;
beforeEach(() => {
  folder = test_folder();
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => {
  process.env['PATH'] = PATH;
});

/** A program of that name, first in PATH. */
function program(name: string, text: string): string {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  process.env['PATH'] = `${join(folder, 'bin')}:${PATH}`;
  return file;
}

/** Why a slave did not start, by its first failure. */
async function fault(
  slave: Parameters<typeof cluster_job>[0],
  options: Parameters<typeof cluster_job>[1] = {},
): Promise<LaunchError> {
  const job = cluster_job(slave, options);
  const lost = new Promise<Error>((done) => job.on('slave_lost', ({ error }) => done(error)));
  job.start().catch(() => {});
  return (await lost) as LaunchError;
}

describe('ssh', () => {
  it.each([
    ['access_denied', 'ann@node7: Permission denied (publickey,password).', 'ssh NODE true'],
    ['access_denied', 'Host key verification failed.', 'known_hosts'],
    ['cannot_resolve', 'ssh: Could not resolve hostname node7: Name or service not known', '~/.ssh/config'],
    ['node_unreachable', 'ssh: connect to host node7 port 22: Connection refused', 'sshd listens'],
    ['node_unreachable', 'ssh: connect to host node7 port 22: No route to host', 'firewall'],
  ])('fails itself: %s', async (cause_kind, said, remedy) => {
    program('ssh', `echo '${said}' >&2; exit 255`);
    const error = await fault([new SshSlave('node7')]);
    expect(error).toMatchObject({ code: 'PARJOB_ERR_LAUNCH', cause_kind, exit_code: 255 });
    for (const text of [said, remedy, 'command: ssh ', 'node7']) expect(error.message).toContain(text);
  });

  it.each([
    ['command_not_found', 'no node there', ['/no/such/node'], 127, 'slave_command'],
    ['wrong_node_version', 'an old node', 'echo "parjob needs Node 20.19 or newer"; exit 84; :', 84, '20.19'],
    ['package_missing', 'no parjob there', `${process.execPath} /no/such/bin/slave.js`, 1, 'install parjob'],
    ['version_differs', 'another version', 'echo "speaks version 1"; exit 83; :', 83, 'same version'],
  ])('reaches a node with a fault: %s', async (cause_kind, _, slave_command, exit_code, remedy) => {
    program('ssh', RUN_HERE);
    const error = await fault([new SshSlave('node7')], { slave_command });
    expect(error).toMatchObject({ cause_kind, exit_code });
    expect(error.message).toContain(remedy);
  });

  it('finds no directory there', async () => {
    program(
      'ssh',
      `for last; do :; done; exec /bin/sh -c "$(printf %s "$last" | sed 's#cd [^ ]*#cd /no/such/folder#')"`,
    );
    const error = await fault([new SshSlave('node7')]);
    expect(error).toMatchObject({ cause_kind: 'directory_missing', exit_code: 85 });
    expect(error.message).toContain('a directory that exists on all machines');
  });

  it('brings a slave that cannot reach the master', async () => {
    // nobody listens at port 1
    program(
      'ssh',
      `for last; do :; done; exec /bin/sh -c "$(printf %s "$last" | sed "s#tls://[^ ']*#tls://127.0.0.1:1#")"`,
    );
    const error = await fault([new SshSlave('node7')]);
    expect(error).toMatchObject({ cause_kind: 'cannot_reach', exit_code: 81 });
    expect(error.message).toContain('tls://127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1)');
    expect(error.message).toContain('tunnel: true');
  });

  it('brings a slave with another secret', async () => {
    const other = 'ab'.repeat(32);
    program(
      'ssh',
      `for last; do :; done; IFS= read -r line; printf '%s\\n' "$line" | sed 's/[0-9a-f]\\{64\\}/${other}/' | /bin/sh -c "$last"`,
    );
    const error = await fault([new SshSlave('node7')]);
    expect(error).toMatchObject({ cause_kind: 'bad_secret', exit_code: 82 });
    expect(error.message).not.toContain(other);
  });

  it('takes too long', async () => {
    program('ssh', 'exec sleep 60');
    const error = await fault([new SshSlave('node7')], { start_timeout: 300 });
    expect(error).toMatchObject({ cause_kind: 'timed_out' });
    expect(error.message).toContain('start_timeout');
  });
});

describe('a batch system', () => {
  it('is not there', async () => {
    process.env['PATH'] = join(folder, 'bin');
    const error = await fault(slurm_slaves(2));
    expect(error).toMatchObject({ cause_kind: 'command_not_found' });
    expect(error.message).toContain('there is no command sbatch in PATH');
  });

  it('takes no such job, and says so to all slaves at once', async () => {
    program('sbatch', 'cat >/dev/null; echo "sbatch: error: invalid partition specified: fast" >&2; exit 1');
    const job = cluster_job(slurm_slaves(3, { partition: 'fast' }));
    job.queue_task(add(1, 2));
    await expect(job.run_all_tasks()).rejects.toMatchObject({
      code: 'PARJOB_ERR_NO_SLAVES',
      cause: { cause_kind: 'submit_refused' },
      message: expect.stringContaining('invalid partition specified: fast'),
    });
  });

  it('answers what nobody can read', async () => {
    program('qsub', 'cat >/dev/null; echo "Welcome to the cluster!"');
    const error = await fault(sge_qsub_slaves(1));
    expect(error).toMatchObject({ cause_kind: 'submit_unreadable' });
    expect(error.message).toContain('Welcome to the cluster!');
    expect(error.message).toContain('alias or wrapper');
  });

  it('keeps a job in its queue, which is no fault, and is told', async () => {
    program('sbatch', 'cat >/dev/null; echo 4711');
    program('squeue', `printf '%-60s%-60s%-60s%-60s\\n' 4711_0 PENDING Resources 0`);
    program('scancel', `echo "$@" >> ${join(folder, 'cancelled')}`);
    const job = cluster_job(slurm_slaves(1), { start_timeout: 200 });
    job.start().catch(() => {});
    await expect
      .poll(() => job.explain(), { timeout: 20_000 })
      .toContain('waits in the queue of Slurm as job 4711_0 (Resources)');
    expect(job.failures.cannot_start).toBe(0);
    await job.stop();
  });

  it('will never run the job', async () => {
    program('sbatch', 'cat >/dev/null; echo 4711');
    program('squeue', `printf '%-60s%-60s%-60s%-60s\\n' 4711_0 PENDING PartitionTimeLimit 0`);
    program('scancel', ':');
    const error = await fault(slurm_slaves(1));
    expect(error).toMatchObject({ cause_kind: 'submit_refused' });
    expect(error.message).toContain('will never run');
    expect(error.message).toContain('PartitionTimeLimit');
  });

  it('has the job leave before it connects', async () => {
    program('sbatch', 'cat >/dev/null; echo 4711');
    program('squeue', `printf '%-60s%-60s%-60s%-60s\\n' 4711_0 CANCELLED None 0`);
    const error = await fault(slurm_slaves(1));
    expect(error).toMatchObject({ cause_kind: 'left_queue' });
    expect(error.message).toContain('CANCELLED');
  });
});

it('a start-up command that throws is named', async () => {
  const job = cluster_job([new LocalSlave()]);
  job.slave_startup_commands.push("throw new RangeError('too far')");
  await expect(job.start()).rejects.toMatchObject({
    cause_kind: 'startup_command_failed',
    message: expect.stringContaining('start-up command 1 threw RangeError: too far'),
  });
});

describe('parjob doctor', () => {
  async function doctor(...words: string[]) {
    const { execFile } = await import('node:child_process');
    return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      execFile(
        process.execPath,
        [resolve('bin/parjob.js'), 'doctor', ...words],
        { cwd: folder },
        (error, stdout, stderr) => done({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  }

  it('says that slaves can start here', async () => {
    const { code, stdout } = await doctor();
    expect(stdout).toMatch(/^ok {4}localhost +\d+\.\d s {2}ready on \S+, pid \d+\n$/);
    expect(code).toBe(0);
  });

  it('prints a row for each machine of a machine file, and ends with 1 when one has a fault', async () => {
    program('ssh', `echo 'ssh: Could not resolve hostname node7' >&2; exit 255`);
    writeFileSync(join(folder, 'mfile'), 'localhost:2\nnode7:4\n');
    const { code, stdout } = await doctor('mfile');
    expect(stdout).toMatch(/^ok {4}localhost /m);
    expect(stdout).toMatch(/^FAIL {2}node7 .*ssh does not know a node of that name/m);
    expect(code).toBe(1);
  });

  it('prints JSON, and refuses what it does not understand', async () => {
    const { stdout } = await doctor('--json');
    expect(JSON.parse(stdout)).toMatchObject({ where: 'localhost', is_well: true, cause: 'ready' });
    expect(await doctor('--timeout', 'soon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('number of seconds'),
    });
  });
});
