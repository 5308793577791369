import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { Job } from '../../src/master/job.js';
import { type JobOptions, resolve_job_options } from '../../src/master/job_options.js';

describe('options of a Job that are not given', () => {
  it('are what the documentation says', () => {
    expect(resolve_job_options()).toMatchObject({
      host: undefined,
      ports: [0, 0],
      slave_command: undefined,
      log_dir: '.',
      log_level: undefined,
      start_timeout: 60_000,
      heartbeat_interval: 2000,
      heartbeat_timeout: 10_000,
      prefetch: undefined,
      max_frame_bytes: 2 ** 30,
      max_result_bytes: 2 ** 28,
      attempts: 2,
      retries: 0,
      retry_if: undefined,
      retry_delay: 1000,
      timeout: undefined,
      cancel_grace: 5000,
      max_tasks_per_slave: Infinity,
      max_slave_memory: Infinity,
      kill_slave_memory: Infinity,
      idle_timeout: Infinity,
      reconnect_timeout: 30_000,
      status_file: undefined,
      restart: false,
      fsync: 'interval',
    });
  });

  it('are also those that are undefined', () => {
    expect(resolve_job_options({ start_timeout: undefined, port: undefined })).toEqual(resolve_job_options());
  });

  it('take the jobname from the main script', () => {
    const argv = process.argv[1];
    try {
      process.argv[1] = '/home/me/build models.ts';
      expect(resolve_job_options().jobname).toBe('build models');
      process.argv.length = 1;
      expect(resolve_job_options().jobname).toBe('stdin');
    } finally {
      process.argv[1] = argv as string;
    }
  });

  it('leave a long heartbeat_interval time to be missed', () => {
    expect(resolve_job_options({ heartbeat_interval: 60_000 }).heartbeat_timeout).toBe(300_000);
  });
});

describe('options of a Job that are given', () => {
  it('are taken as they are', () => {
    const given: JobOptions = {
      jobname: 'models',
      host: 'head1',
      slave_command: ['/opt/node', '--no-warnings'],
      log_dir: '/scratch',
      log_level: 'debug',
      start_timeout: 1,
      heartbeat_interval: 10,
      heartbeat_timeout: Infinity,
      prefetch: 2048,
      max_frame_bytes: 2 ** 20,
      max_result_bytes: Infinity,
      attempts: 1000,
      retries: 3,
      retry_if: () => false,
      retry_delay: 0.5,
      timeout: Infinity,
      cancel_grace: 1,
      max_tasks_per_slave: 1,
      max_slave_memory: 1e9,
      kill_slave_memory: 3e9,
      idle_timeout: 5,
      reconnect_timeout: 6,
      status_file: '/scratch/models.status',
      restart: true,
      fsync: 'never',
    };
    expect(resolve_job_options(given)).toMatchObject(given);
  });

  it('of memory that a slave may have decide when it is killed, unless that is said', () => {
    expect(resolve_job_options({ max_slave_memory: 1000 }).kill_slave_memory).toBe(1500);
  });

  it('that ask for a status file name it after the job', () => {
    const named = { jobname: 'models', log_dir: '/scratch' };
    const file_of = (options: JobOptions) => resolve_job_options({ ...named, ...options }).status_file;
    expect(file_of({ status_file: true })).toBe('/scratch/models.status');
    expect(file_of({ restart: true })).toBe('/scratch/models.status');
    expect(file_of({ status_file: 'here', restart: true })).toBe('here');
    expect(file_of({ status_file: false })).toBeUndefined();
    expect(file_of({ restart: false })).toBeUndefined();
  });

  it('may name one port or a range', () => {
    expect(resolve_job_options({ port: 4000 }).ports).toEqual([4000, 4000]);
    expect(resolve_job_options({ port: [4000, 4010] }).ports).toEqual([4000, 4010]);
  });
});

describe('an option that cannot be', () => {
  it.each([
    [{ heartbeat_timout: 5 }, "Job has no option 'heartbeat_timout': did you mean 'heartbeat_timeout'?"],
    [{ heartbeatTimeout: 5 }, "Job has no option 'heartbeatTimeout': did you mean 'heartbeat_timeout'?"],
    [{ colour: 'red' }, "Job has no option 'colour': it takes attempts, retries, "],
    [{ toString: 1 }, "Job has no option 'toString': it takes"],
    [
      { jobname: 3 },
      "option 'jobname' must be a name of at most 200 bytes that can begin the name of a file, with no - in front, got 3",
    ],
    [{ jobname: '' }, "option 'jobname' must be"],
    [{ jobname: '-x' }, "option 'jobname' must be"],
    [{ jobname: 'é'.repeat(101) }, "option 'jobname' must be"],
    [{ jobname: 'a/b' }, "option 'jobname' must be"],
    [{ jobname: 'a\0b' }, "option 'jobname' must be"],
    [{ host: 7 }, "option 'host' must be a string, got 7"],
    [{ port: -1 }, "option 'port' must be a whole number from 0 to 65535 or an array of two port numbers"],
    [{ port: 65536 }, "option 'port' must be"],
    [{ port: '80' }, "option 'port' must be"],
    [{ port: [5, 4] }, "option 'port' must be"],
    [{ port: [0, 4] }, "option 'port' must be"],
    [{ port: [1, 2, 3] }, "option 'port' must be"],
    [{ slave_command: '' }, "option 'slave_command' must be a string or an array of strings, got ''"],
    [{ slave_command: ['node', 1] }, "option 'slave_command' must be"],
    [{ log_level: 'loud' }, "option 'log_level' must be one of 'trace', 'debug',"],
    [{ logger: console.log }, "option 'logger' must be a pino logger"],
    [{ start_timeout: 0 }, "option 'start_timeout' must be a number of ms above 0, got 0"],
    [{ start_timeout: '10' }, "option 'start_timeout' must be"],
    [{ heartbeat_interval: NaN }, "option 'heartbeat_interval' must be"],
    [{ prefetch: 0 }, "option 'prefetch' must be a whole number from 1 to 2048, got 0"],
    [{ prefetch: 1.5 }, "option 'prefetch' must be"],
    [{ max_frame_bytes: 1000 }, "option 'max_frame_bytes' must be a whole number from 1048576 to 4294967296"],
    [{ max_result_bytes: -1 }, "option 'max_result_bytes' must be a number of bytes above 0, got -1"],
    [
      { heartbeat_interval: 10, heartbeat_timeout: 10 },
      'heartbeat_timeout (10 ms) must exceed heartbeat_interval',
    ],
    [{ attempts: 0 }, "option 'attempts' must be a whole number from 1 to 1000, got 0"],
    [{ retries: -1 }, "option 'retries' must be a whole number from 0 to 1000, got -1"],
    [{ retry_if: true }, "option 'retry_if' must be a function, got true"],
    [{ retry_delay: 0 }, "option 'retry_delay' must be a number of ms above 0"],
    [{ timeout: '1h' }, "option 'timeout' must be a number of ms above 0, got '1h'"],
    [{ cancel_grace: 0 }, "option 'cancel_grace' must be"],
    [{ max_tasks_per_slave: 0 }, "option 'max_tasks_per_slave' must be a whole number from 1 to"],
    [{ max_tasks_per_slave: 1.5 }, "option 'max_tasks_per_slave' must be"],
    [{ max_slave_memory: 0 }, "option 'max_slave_memory' must be a number of bytes above 0"],
    [{ kill_slave_memory: null }, "option 'kill_slave_memory' must be"],
    [{ idle_timeout: -5 }, "option 'idle_timeout' must be"],
    [{ reconnect_timeout: '5' }, "option 'reconnect_timeout' must be"],
    [{ status_file: '' }, "option 'status_file' must be true or false or a string, got ''"],
    [{ restart: 1 }, "option 'restart' must be true or false, got 1"],
    [{ restart: true, status_file: false }, 'restart goes on from the status file'],
    [{ fsync: true }, "option 'fsync' must be one of 'always', 'interval', 'never', got true"],
    [3, 'Job: expected an options object, got 3'],
    [[], 'Job: expected an options object, got []'],
  ])('%j is refused, and the error says why', (options, message) => {
    expect(() => new Job([], options as JobOptions)).toThrow(UsageError);
    expect(() => new Job([], options as JobOptions)).toThrow(message);
  });
});
