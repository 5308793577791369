/** The names of the targets, to be had without the targets, which take a while to load. */
export const TARGET_NAMES = [
  'frames',
  'hellos',
  'orders',
  'reports',
  'plain',
  'graph',
  'thrown',
  'pulse',
  'status_files',
] as const;

export type TargetName = (typeof TARGET_NAMES)[number];
