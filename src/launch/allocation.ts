/** The allocation of Slurm that this program runs in, by its environment. */

/**
 * How many slaves fit into the allocation that this program runs in, by its environment: the tasks that were
 * asked for, or else one for each CPU, or for so many as a task was to have. Undefined outside of one.
 */
export function allocation_size(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const { SLURM_NTASKS: tasks, SLURM_JOB_CPUS_PER_NODE: cpus, SLURM_CPUS_PER_TASK: per_task } = env;
  if (tasks !== undefined) return Number(tasks);
  if (cpus === undefined) return undefined;
  return count_tasks(cpus, Math.max(1, Number(per_task ?? 1)));
}

/** `4(x2),8`: two nodes with 4 CPUs, one with 8. A task has all of its CPUs on one node. */
function count_tasks(text: string, per_task: number): number {
  let sum = 0;
  for (const [, cpus = '0', nodes = '1'] of text.matchAll(/(\d+)(?:\(x(\d+)\))?/g))
    sum += Math.floor(Number(cpus) / per_task) * Number(nodes);
  return sum;
}
