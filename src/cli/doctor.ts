/** parjob doctor: starts one slave each way that is asked for, and says how that went. */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LaunchError, UsageError } from '../errors.js';
import { is_local_host } from '../launch/machine_file.js';
import { Job } from '../master/job.js';
import { LocalSlave } from '../master/local_slave.js';
import { sge_qsub_slaves } from '../master/remote/grid_engine_slaves.js';
import { slurm_slaves } from '../master/remote/slurm_slaves.js';
import { read_machines, SshSlave } from '../master/remote/ssh_slave.js';
import type { Slave } from '../master/slave.js';

export interface DoctorOptions {
  slurm?: boolean;
  sge?: boolean;
  tunnel?: boolean;
  host?: string;
  timeout?: string;
  json?: boolean;
}

/** How one slave fared. */
interface Finding {
  /** `node1`, `Slurm` */
  where: string;
  is_well: boolean;
  /** From the launch to being ready, or to the failure, ms. */
  ms: number;
  /** `cause_kind` of a LaunchError, `ready`, or `waiting`. */
  cause: string;
  /** The whole story. */
  text: string;
}

/** Returns the exit code. */
export async function doctor(machines: readonly string[], options: DoctorOptions): Promise<number> {
  const timeout = Number(options.timeout ?? 60) * 1000;
  if (!(timeout > 0))
    throw new UsageError(`doctor: --timeout takes a number of seconds, got ${options.timeout}`);
  const slaves = slaves_for(machines, options);
  const findings: Finding[] = [];
  // its logs are read here and tell nobody else anything; those of a batch system are written on its nodes, which share this folder
  const is_far = options.slurm === true || options.sge === true;
  const log_dir = await mkdtemp(join(is_far ? process.cwd() : tmpdir(), '.parjob-doctor-'));
  try {
    const job_options = { jobname: 'doctor', log_dir, log_level: 'silent', host: options.host } as const;
    await using job = new Job(slaves, job_options);
    // what one fails of is told by slave_lost
    const started = job.start().catch(() => {});
    await Promise.all(
      slaves.map(async (slave) => {
        const finding = await examine(job, slave, timeout);
        findings.push(finding);
        if (options.json === true) console.log(JSON.stringify(finding));
      }),
    );
    await job.stop();
    await started;
  } finally {
    await rm(log_dir, { recursive: true, force: true });
  }
  if (options.json !== true) print(findings);
  return findings.every(({ is_well }) => is_well) ? 0 : 1;
}

function slaves_for(machines: readonly string[], { slurm, sge, tunnel = false }: DoctorOptions): Slave[] {
  const slaves: Slave[] = [];
  if (slurm === true) slaves.push(...slurm_slaves(1));
  if (sge === true) slaves.push(...sge_qsub_slaves(1));
  const [first] = machines;
  const is_file =
    machines.length === 1 && statSync(first ?? '', { throwIfNoEntry: false })?.isFile() === true;
  for (const { host } of machines.length === 0
    ? []
    : read_machines('doctor', is_file ? (first as string) : machines))
    slaves.push(is_local_host(host) ? new LocalSlave() : new SshSlave(host, { tunnel }));
  if (slaves.length === 0 && first !== undefined)
    throw new UsageError(`doctor: ${machines.join(' ')} names no machine: a line is 'host', or 'host:4'`);
  return slaves.length === 0 ? [new LocalSlave()] : slaves;
}

async function examine(job: Job, slave: Slave, timeout: number): Promise<Finding> {
  const where = slave.launcher.host;
  const began = performance.now();
  const ms = () => Math.round(performance.now() - began);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      const text =
        job
          .explain()
          .split('\n')
          .find((line) => line.startsWith(slave.name)) ?? '';
      resolve({ where, is_well: false, ms: ms(), cause: 'waiting', text });
    }, timeout);
    const found = (finding: Omit<Finding, 'where' | 'ms'>) => {
      clearTimeout(timer);
      resolve({ where, ms: ms(), ...finding });
    };
    job.on('slave_connected', (event) => {
      if (event.slave !== slave) return;
      found({ is_well: true, cause: 'ready', text: `ready on ${slave.host}, pid ${slave.pid}` });
    });
    job.on('slave_lost', ({ error, ...event }) => {
      if (event.slave !== slave) return;
      const cause = error instanceof LaunchError ? error.cause_kind : 'lost';
      found({ is_well: false, cause, text: error.message });
    });
  });
}

function print(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ where }) => where.length));
  for (const { where, is_well, ms, text } of findings) {
    const [head = '', ...rest] = text.split('\n');
    const time = `${(ms / 1000).toFixed(1)} s`.padStart(7);
    console.log(`${is_well ? 'ok  ' : 'FAIL'}  ${where.padEnd(width)} ${time}  ${head}`);
    for (const line of rest) console.log(`      ${line}`);
  }
}
