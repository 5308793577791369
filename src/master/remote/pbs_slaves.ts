/** Slaves that PBS starts: OpenPBS, PBS Pro, Torque. */
import { A_STRING, check_options, one_of } from '../../base/options.js';
import type { PbsOptions } from '../../launch/pbs.js';
import { BatchSlave, batch_launcher } from './batch_slaves.js';
import { A_COUNT, BATCH_TABLE, check_argument } from './option_tables.js';

const TABLE = { ...BATCH_TABLE, queue: A_STRING, flavour: one_of('openpbs', 'torque') };

/**
 * As many slaves as wanted, submitted together as one array job. Written from the manuals of PBS, not tried on a real one.
 * @param n how many
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export function pbs_slaves(n: number, options: PbsOptions = {}): BatchSlave[] {
  check_argument('pbs_slaves', 'n', n, A_COUNT);
  check_options('pbs_slaves', options, TABLE);
  const load = async () => new (await import('../../launch/pbs.js')).Pbs(options);
  const launcher = batch_launcher('pbs', 'PBS', load, options);
  return Array.from({ length: n }, () => new BatchSlave(launcher));
}
