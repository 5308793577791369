/** Slaves that Grid Engine starts: by qsub, or by qrsh within a parallel environment. */
import { readFileSync } from 'node:fs';
import { A_STRING, check_options } from '../../base/options.js';
import { UsageError } from '../../errors.js';
import type { GridEngineOptions } from '../../launch/grid_engine.js';
import { LazyLauncher } from '../../launch/lazy.js';
import { parse_pe_hostfile } from '../../launch/machine_file.js';
import { COMMAND_PACE } from '../../launch/pace.js';
import { Job } from '../job.js';
import type { JobOptions } from '../job_options.js';
import { LocalSlave } from '../local_slave.js';
import { Slave } from '../slave.js';
import { BatchSlave, batch_launcher } from './batch_slaves.js';
import { A_COUNT, A_NODE, BATCH_TABLE, check_argument, command_words } from './option_tables.js';

const TABLE = { ...BATCH_TABLE, queue: A_STRING, pe: A_STRING, project: A_STRING };

/** Options of qsub: named ones, or text in qsub's own words, as MODELLER takes it: `'-l arch=lx24-amd64'`. */
export type SgeQsubOptions = GridEngineOptions | string;

function named(options: SgeQsubOptions): GridEngineOptions {
  return typeof options === 'string'
    ? { extra_args: options.trim() === '' ? [] : command_words(options) }
    : options;
}

function check(what: string, options: SgeQsubOptions): void {
  check_options(what, named(options), TABLE);
}

function grid_engine(options: SgeQsubOptions): LazyLauncher {
  const load = async () => new (await import('../../launch/grid_engine.js')).GridEngine(named(options));
  return batch_launcher('grid_engine', 'Grid Engine', load, named(options));
}

/**
 * A slave that is a job of Grid Engine. Its working directory is the master's, so the nodes must share it.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class SgeQsubSlave extends BatchSlave {
  constructor(options: SgeQsubOptions | LazyLauncher = {}) {
    if (!(options instanceof LazyLauncher)) check('SgeQsubSlave', options);
    super(options instanceof LazyLauncher ? options : grid_engine(options));
  }
}

/**
 * As many slaves as wanted, submitted together as one array job.
 * @param n how many
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export function sge_qsub_slaves(n: number, options: SgeQsubOptions = {}): SgeQsubSlave[] {
  check_argument('sge_qsub_slaves', 'n', n, A_COUNT);
  check('sge_qsub_slaves', options);
  const launcher = grid_engine(options);
  return Array.from({ length: n }, () => new SgeQsubSlave(launcher));
}

/**
 * A job that submits slaves to Grid Engine while tasks wait, up to `max_slaves`, and gives back those that have been
 * idle for a minute (`idle_timeout`); MODELLER's sge_qsub_job.
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export class SgeQsubJob<Result = unknown> extends Job<Result> {
  constructor(
    options: SgeQsubOptions,
    max_slaves: number,
    slaves: Iterable<Slave> = [],
    job_options: JobOptions = {},
  ) {
    check('SgeQsubJob', options);
    super(slaves, { ...job_options, max_slaves, new_slaves: (count) => sge_qsub_slaves(count, options) });
  }
}

/**
 * A slave on a node of the parallel environment that this program runs in, started by `qrsh -inherit`
 * (MODELLER's sge_pe_slave).
 * @throws UsageError (PARJOB_ERR_USAGE) when `nodename` is no text
 */
export class SgePeSlave extends Slave {
  override readonly launcher: LazyLauncher;

  constructor(nodename: string) {
    super();
    check_argument('SgePeSlave', 'nodename', nodename, A_NODE);
    const facts = { kind: 'qrsh', host: nodename, reach: 'network', pace: COMMAND_PACE } as const;
    this.launcher = new LazyLauncher(
      facts,
      async () => new (await import('../../launch/qrsh.js')).QrshLauncher(nodename),
    );
  }
}

/**
 * One slave for each slot of the parallel environment that this program runs in, by the file that PE_HOSTFILE
 * names. The first is a local one: the program itself runs in that slot, and Grid Engine starts no other there.
 * @throws UsageError (PARJOB_ERR_USAGE) outside of a parallel environment
 */
export function sge_pe_slaves(): Slave[] {
  const file = process.env['PE_HOSTFILE'];
  if (file === undefined) {
    throw new UsageError(
      'sge_pe_slaves: PE_HOSTFILE is not set, so this program does not run in a parallel environment of Grid Engine: ' +
        'submit it with qsub -pe NAME SLOTS, or use sge_qsub_slaves, which submits the slaves themselves',
    );
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `sge_pe_slaves: the file that PE_HOSTFILE names cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  const nodes = parse_pe_hostfile(text, file).flatMap(({ host, slots }) =>
    Array.from({ length: slots }, () => host),
  );
  return nodes.map((node, i) => (i === 0 ? new LocalSlave() : new SgePeSlave(node)));
}

/**
 * A job with a slave for each slot of the parallel environment that this program runs in (MODELLER's sge_pe_job).
 * @throws UsageError (PARJOB_ERR_USAGE) outside of a parallel environment
 */
export class SgePeJob<Result = unknown> extends Job<Result> {
  constructor(slaves: Iterable<Slave> = [], job_options: JobOptions = {}) {
    super([...sge_pe_slaves(), ...slaves], job_options);
  }
}
