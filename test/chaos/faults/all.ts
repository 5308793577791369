/** Every fault there is. */
import { change_list } from './change_list.js';
import { cut_connection } from './cut_connection.js';
import type { Fault } from './fault.js';
import { few_descriptors } from './few_descriptors.js';
import { full_disk } from './full_disk.js';
import { garbage_client } from './garbage_client.js';
import { half_open } from './half_open.js';
import { kill_master } from './kill_master.js';
import { kill_slave } from './kill_slave.js';
import { slow_connection } from './slow_connection.js';
import { stop_master } from './stop_master.js';
import { stop_slave } from './stop_slave.js';

export const FAULTS: readonly Fault[] = [
  kill_slave,
  stop_slave,
  cut_connection,
  half_open,
  slow_connection,
  garbage_client,
  full_disk,
  few_descriptors,
  change_list,
  stop_master,
  kill_master,
];

/** @throws Error for a name that is none */
export function faults_named(names: readonly string[]): Fault[] {
  return names.map((name) => {
    const fault = FAULTS.find((one) => one.name === name);
    const known = FAULTS.map((one) => one.name).join(', ');
    if (fault === undefined) throw new Error(`there is no fault ${name}; there are ${known}`);
    return fault;
  });
}
