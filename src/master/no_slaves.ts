/** The error for tasks that nobody is left to run: what happened to each slave, told once for each cause. */
import { LaunchError, NoMoreSlavesError, RemoteError } from '../errors.js';

/** A slave and what it last failed of. */
export interface Fate {
  slave: string;
  error: Error;
}

/** @param waiting number of tasks that have no outcome */
export function no_slaves_error(waiting: number, fates: readonly Fate[]): NoMoreSlavesError {
  const tasks = waiting === 1 ? '1 task waits' : `${waiting} tasks wait`;
  const [first] = fates;
  if (first === undefined) {
    return new NoMoreSlavesError(
      `${tasks} and the job has no slaves: push some first, such as job.push(...local_slaves())`,
      [],
    );
  }
  const causes = new Map<string, { error: Error; slaves: string[] }>();
  for (const { slave, error } of fates) {
    const cause = causes.get(sameness(error));
    if (cause === undefined) causes.set(sameness(error), { error, slaves: [slave] });
    else cause.slaves.push(slave);
  }
  const story = [...causes.values()].map(({ error, slaves }) => {
    const others = slaves.length > 1 ? ` (so did ${slaves.length - 1} more)` : '';
    return `${error.message}${others}`;
  });
  const options = causes.size === 1 ? { cause: first.error } : undefined;
  return new NoMoreSlavesError(
    `${tasks} and no slave is left, nor can one be had. ${story.join('\n')}`,
    fates,
    options,
  );
}

/** Launches that fail of the same cause have the same text here. */
export function sameness(error: Error): string {
  if (!(error instanceof LaunchError)) return error.message;
  const { cause_kind, exit_code, signal } = error;
  const cause =
    error.cause instanceof RemoteError
      ? error.cause.remote_message
      : ((error.cause as Error | undefined)?.message ?? '');
  return `${cause_kind} ${exit_code} ${signal} ${cause}`;
}
