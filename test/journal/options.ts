/** Options and tasks of the journals in these tests. No test library, so that programs can load it too. */
import type { JournalOptions } from '../../src/journal/journal_options.js';
import type { TaskIdentity } from '../../src/journal/record.js';

/** Large enough to go to a file beside, in these tests. */
export const SMALL_LIMIT = 100;

export function options_of(file: string, more: Partial<JournalOptions> = {}): JournalOptions {
  return { file, jobname: 'align', program: { main_script: 'main.js' }, fsync: 'never', ...more };
}

export function task_of(number: number, index = number): TaskIdentity {
  return { index, key: `key of ${number}`, name: number % 3 === 0 ? 'other.js#score' : 'needle.js#align' };
}
