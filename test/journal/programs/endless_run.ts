/**
 * Writes a status file without end, and prints the index of each task whose record was committed.
 *
 *     node --import tsx endless_run.ts <file>
 */
import { writeSync } from 'node:fs';
import { Journal } from '../../../src/journal/journal.js';
import { options_of, task_of } from '../options.js';

const [file = ''] = process.argv.slice(2);
const journal = Journal.create(options_of(file, { inline_limit: 100, compact_above: 5000 }));

for (let index = 0; ; index++) {
  const run = { attempt: 1, slave: 'align.slave0' };
  journal.append({ kind: 'assigned', task: task_of(index), ...run });
  journal.append({ kind: 'progress', task: task_of(index), done: 1, note: 'half way '.repeat(10) });
  journal.append({
    kind: 'done',
    task: task_of(index),
    ...run,
    run_ms: 1,
    value: { json: String(index).repeat(40) },
  });
  journal.commit();
  writeSync(1, `${index}\n`);
}
