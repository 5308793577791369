/** All targets, by name. Each is made when it is asked for: their samples take time. */
import type { Target } from '../target.js';
import type { TargetName } from '../target_names.js';
import { graph_target, orders_target, plain_target, pulse_target, reports_target } from './bodies.js';
import { frames_target } from './frames.js';
import { hellos_target } from './hellos.js';
import { status_files_target } from './status_files.js';
import { thrown_target } from './thrown.js';

export const TARGETS: Readonly<Record<TargetName, () => Target>> = {
  frames: frames_target,
  hellos: hellos_target,
  orders: orders_target,
  reports: reports_target,
  plain: plain_target,
  graph: graph_target,
  thrown: thrown_target,
  pulse: pulse_target,
  status_files: status_files_target,
};
