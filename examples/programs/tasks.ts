/** A task that runs a program and gives what it says. */
import { execa } from 'execa';
import { current_task } from 'parjob';

export interface Count {
  file: string;
  lines: number;
}

/** Lines of a file, as `wc` counts them. The program is ended when the task is cancelled. */
export async function count_lines(file: string): Promise<Count> {
  const { stdout } = await execa('wc', ['-l', '--', file], { cancelSignal: current_task().signal });
  return { file, lines: Number.parseInt(stdout, 10) };
}
