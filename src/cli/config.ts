/**
 * parjob.config.js: where slaves run and the options of jobs, for all commands in a folder.
 *
 *     export default {
 *       on: 'slurm:16',                       // or: slaves: () => slurm_slaves(16, { time: '1:00:00' })
 *       job: { attempts: 3, log_dir: 'logs' },
 *     };
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { A_FUNCTION, A_STRING, check_options, show } from '../base/options.js';
import { UsageError } from '../errors.js';
import type { JobOptions } from '../master/job_options.js';
import { local_slaves } from '../master/local_slave.js';
import type { Slave } from '../master/slave.js';
import { slaves_on } from './places.js';

export interface Config {
  /** As --on takes it. */
  on?: string | undefined;
  /** Makes the slaves, in the place of `on`. */
  slaves?: (() => Slave[] | Promise<Slave[]>) | undefined;
  /** Options of the job. */
  job?: JobOptions | undefined;
}

/** What commands that start slaves take. */
export interface SlaveFlags {
  on?: string | undefined;
  config?: string | undefined;
}

const NAMES = ['parjob.config.js', 'parjob.config.mjs', 'parjob.config.ts', 'parjob.config.json'];

/** @throws UsageError (PARJOB_ERR_USAGE) for a file that cannot be loaded, or holds what is no config */
export async function read_config(file?: string): Promise<Config> {
  const found = file ?? NAMES.find((name) => existsSync(name));
  if (found === undefined) return {};
  let config: unknown;
  try {
    config = found.endsWith('.json')
      ? JSON.parse(readFileSync(found, 'utf8'))
      : ((await import(pathToFileURL(resolve(found)).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new UsageError(`the config ${found} cannot be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof config !== 'object' || config === null)
    throw new UsageError(`the config ${found} must export default an object, got ${show(config)}`);
  check_options(`the config ${found}`, config, {
    on: A_STRING,
    slaves: A_FUNCTION,
    job: { expected: 'an object with options of a Job', holds: (v) => typeof v === 'object' && v !== null },
  });
  return config;
}

/** The slaves that flags and config ask for: one for each core of this machine when they ask for none. */
export async function slaves_for({ on }: SlaveFlags, config: Config): Promise<Slave[]> {
  if (on !== undefined) return slaves_on(on);
  if (config.slaves !== undefined) return config.slaves();
  return config.on === undefined ? local_slaves() : slaves_on(config.on);
}
