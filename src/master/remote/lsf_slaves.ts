/** Slaves that LSF starts. */
import { A_STRING, check_options } from '../../base/options.js';
import type { LsfOptions } from '../../launch/lsf.js';
import { BatchSlave, batch_launcher } from './batch_slaves.js';
import { A_COUNT, BATCH_TABLE, check_argument } from './option_tables.js';

const TABLE = { ...BATCH_TABLE, queue: A_STRING, project: A_STRING };

/**
 * As many slaves as wanted, submitted together as one array job. Written from the manuals of LSF, not tried on a real one.
 * @param n how many
 * @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be
 */
export function lsf_slaves(n: number, options: LsfOptions = {}): BatchSlave[] {
  check_argument('lsf_slaves', 'n', n, A_COUNT);
  check_options('lsf_slaves', options, TABLE);
  const load = async () => new (await import('../../launch/lsf.js')).Lsf(options);
  const launcher = batch_launcher('lsf', 'LSF', load, options);
  return Array.from({ length: n }, () => new BatchSlave(launcher));
}
