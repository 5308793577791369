/** Slaves that start, and slaves that do not: the cause is named within seconds. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LaunchError, LocalSlave, type NoMoreSlavesError, tasks_from } from '../../src/index.js';
import { cluster_job, next_event, test_folder } from '../kit/cluster.js';

const tasks = tasks_from<typeof import('../tasks/process.js')>(
  new URL('../tasks/process.js', import.meta.url),
);

async function failure_of(run: Promise<unknown>): Promise<NoMoreSlavesError> {
  return run.then(
    () => expect.fail('it should have failed'),
    (error) => error as NoMoreSlavesError,
  );
}

describe('a slave that starts', () => {
  it("runs in the master's directory, with its flags and environment, and never shows the secret", async () => {
    const slave = new LocalSlave({ env: { PARJOB_TEST: 'yes' }, node_flags: ['--stack-size=900'] });
    const job = cluster_job([slave]);
    const found = await job.run_task(tasks.surroundings());
    expect(found.cwd).toBe(process.cwd());
    expect(found.exec_argv).toContain('--stack-size=900');
    expect(found.env['PARJOB_TEST']).toBe('yes');
    expect(Object.values(found.env).join(' ')).not.toMatch(/[0-9a-f]{64}/);
    expect(found.env['PARJOB_SECRET']).toBeUndefined();
    const command_line = readFileSync(`/proc/${slave.pid}/cmdline`, 'utf8');
    expect(command_line).not.toMatch(/[0-9a-f]{64}/);
  });

  it('writes what its tasks print to <jobname>.slaveN, where no secret stands either', async () => {
    const log_dir = test_folder();
    const job = cluster_job(2, { log_dir, jobname: 'model', log_level: 'debug' });
    await job.start();
    await job.run_task(tasks.print('hello from a task'));
    await job.stop();
    expect(readdirSync(log_dir).sort()).toEqual(['model.slave0', 'model.slave1']);
    const logs = readdirSync(log_dir).map((name) => readFileSync(join(log_dir, name), 'utf8'));
    expect(logs.join('')).toContain('hello from a task\n');
    expect(logs.join('')).not.toMatch(/[0-9a-f]{64}/);
  });

  it('keeps its number: one that is removed frees none, and a relaunch appends to the same log', async () => {
    const log_dir = test_folder();
    const job = cluster_job<unknown>(2, { log_dir });
    await job.start();
    job.shift();
    job.push(new LocalSlave());
    await job.start();
    expect(job.map(String)).toEqual(['test.slave1', 'test.slave2']);
    await job.run_task(tasks.print('before'));
    const lost = next_event(job, 'slave_lost');
    process.kill(job[0]?.pid as number, 'SIGKILL');
    await lost;
    await job.start();
    expect(String(job[0])).toBe('test.slave1');
    expect(readdirSync(log_dir).sort()).toEqual(['test.slave0', 'test.slave1', 'test.slave2']);
  });

  it('may be nicer than its master', async () => {
    const job = cluster_job([new LocalSlave({ nice: 7 })]);
    expect(await job.run_task(tasks.nice_level())).toBe(7);
  });

  it('is started by slave_command as words, or as text for the shell, with spaces and quotes in it', async () => {
    const folder = `${test_folder()}/with 'quotes' and $spaces`;
    const { mkdirSync } = await import('node:fs');
    mkdirSync(folder);
    const wrapper = join(folder, 'my node.sh');
    writeFileSync(wrapper, `#!/bin/sh\nWRAPPED="$0" exec "${process.execPath}" "$@"\n`);
    chmodSync(wrapper, 0o755);
    const by_words = cluster_job(1, { slave_command: [wrapper] });
    expect(await by_words.run_task(tasks.read_env('WRAPPED'))).toBe(wrapper);
    const by_shell = cluster_job(1, {
      slave_command: `SHELL_TEXT='a b'; export SHELL_TEXT; "${process.execPath}"`,
    });
    expect(await by_shell.run_task(tasks.read_env('SHELL_TEXT'))).toBe('a b');
  });

  it('runs start-up commands in order before its first task', async () => {
    const job = cluster_job<unknown>(2);
    job.slave_startup_commands.push(
      "process.env.ORDER = 'first'",
      "process.env.ORDER += ' second'",
      async () => {
        await Promise.resolve();
        process.env['ORDER'] += ' third';
      },
    );
    for (let i = 0; i < 4; i++) job.queue_task(tasks.read_env('ORDER'));
    expect(await job.run_all_tasks()).toEqual(Array(4).fill('first second third'));
  });
});

describe('slaves that cannot start end the run at once, with the cause', () => {
  it.each([
    ['a command that does not exist', ['/no/such/node'], 'command_not_found'],
    ['a shell command that does not exist', 'no-such-command-anywhere', 'command_not_found'],
    ['a Node that is too old', `sh -c 'echo this is v18; exit 84'`, 'wrong_node_version'],
    [
      'a process that ends at once',
      [process.execPath, '-e', 'console.error("it is broken"); process.exit(3)'],
      'exited',
    ],
  ] as const)('%s', async (_what, slave_command, cause_kind) => {
    const job = cluster_job(2, { slave_command });
    job.queue_task(tasks.add(1, 2));
    const began = performance.now();
    const error = await failure_of(job.run_all_tasks());
    expect(performance.now() - began).toBeLessThan(2000);
    expect(error.code).toBe('PARJOB_ERR_NO_SLAVES');
    expect(error.slaves.map(({ slave }) => slave)).toEqual(['test.slave0', 'test.slave1']);
    expect((error.cause as LaunchError).cause_kind).toBe(cause_kind);
    expect(error.message).toContain('command: ');
  });

  it('names exit code and last words', async () => {
    const job = cluster_job(1, {
      slave_command: [process.execPath, '-e', 'console.error("it is broken"); process.exit(3)'],
    });
    job.queue_task(tasks.add(1, 2));
    const cause = (await failure_of(job.run_all_tasks())).cause as LaunchError;
    expect(cause).toMatchObject({ exit_code: 3, log_tail: 'it is broken', slave: 'test.slave0' });
    expect(cause.message).toContain('exited with code 3');
    expect(cause.message).toContain('| it is broken');
  });

  it('a start-up command that throws', async () => {
    const job = cluster_job(2);
    job.slave_startup_commands.push('1 + 1', "throw new Error('no licence')");
    job.queue_task(tasks.add(1, 2));
    const error = await failure_of(job.run_all_tasks());
    expect(error.message).toContain('start-up command 2 threw Error: no licence');
    expect(error.cause).toMatchObject({ cause_kind: 'startup_command_failed' });
  });

  it('a process that never connects, after start_timeout', async () => {
    const job = cluster_job(1, { slave_command: ['sleep', '600', '#'], start_timeout: 300 });
    // sleep refuses the words that follow; a shell that waits takes them
    const waiting = cluster_job(1, { slave_command: 'sleep 600; true', start_timeout: 300 });
    waiting.queue_task(tasks.add(1, 2));
    const error = await failure_of(waiting.run_all_tasks());
    expect(error.cause).toMatchObject({ cause_kind: 'timed_out' });
    expect(error.message).toContain('not ready within 300 ms');
    await job.stop();
  });

  it('a log folder that does not exist', async () => {
    const job = cluster_job(1, { log_dir: join(test_folder(), 'missing') });
    await expect(job.start()).rejects.toMatchObject({
      code: 'PARJOB_ERR_LAUNCH',
      cause_kind: 'cannot_start',
    });
  });

  it('a host that is none of this machine, or a port that is taken', async () => {
    const job = cluster_job(1, { host: '192.0.2.1' });
    await expect(job.run_task(tasks.add(1, 2))).rejects.toThrow(/cannot listen on 192\.0\.2\.1.*option host/);
  });

  it('a job without slaves', async () => {
    const job = cluster_job(0);
    job.queue_task(tasks.add(1, 2));
    await expect(job.run_all_tasks()).rejects.toThrow('the job has no slaves: push some first');
  });
});

describe('some slaves that cannot start', () => {
  it('leave the run to the others, and say why', async () => {
    const folder = test_folder();
    const good_or_bad = join(folder, 'node.sh');
    // the slave with the variable ends before it connects
    writeFileSync(good_or_bad, `#!/bin/sh\n[ -n "$BAD" ] && exit 9\nexec "${process.execPath}" "$@"\n`);
    chmodSync(good_or_bad, 0o755);
    const bad = new LocalSlave({ env: { BAD: '1' } });
    const job = cluster_job<unknown>([bad, new LocalSlave()], { slave_command: [good_or_bad] });
    const dead = next_event(job, 'slave_dead');
    for (let i = 0; i < 20; i++) job.queue_task(tasks.sleep_for(100));
    const results = job.run_all_tasks();
    expect((await dead).slave).toBe(bad);
    expect((await dead).error).toMatchObject({ exit_code: 9 });
    expect(await results).toHaveLength(20);
    expect(bad.state).toBe('dead');
  });

  it('work again when their cause is mended', async () => {
    const folder = test_folder();
    const wrapper = join(folder, 'node.sh');
    writeFileSync(wrapper, '#!/bin/sh\nexit 9\n');
    chmodSync(wrapper, 0o755);
    const job = cluster_job<number>(1, { slave_command: [wrapper] });
    job.queue_task(tasks.add(1, 2));
    await failure_of(job.run_all_tasks());
    writeFileSync(wrapper, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
    expect(await job.run_all_tasks()).toEqual([3]);
  });
});
