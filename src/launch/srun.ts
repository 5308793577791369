/** srun inside an allocation of Slurm: one command for all slaves. */
import type { GroupOptions } from './group.js';
import type { ScriptOptions } from './script.js';

export interface SrunOptions extends ScriptOptions {
  extra_args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

export function srun_group(options: SrunOptions): GroupOptions {
  return {
    ...options,
    kind: 'srun',
    title: 'srun',
    index: '$SLURM_PROCID',
    ends_at: '$SLURM_JOB_END_TIME',
    command: (count, script) => [
      // one slave that fails must not end all, nor must one that has ended
      ...['srun', '--quiet', `--ntasks=${count}`, '--kill-on-bad-exit=0', '--wait=0', '--input=none'],
      ...options.extra_args,
      ...['/bin/sh', script],
    ],
  };
}
