/** On a slave: writes the ledger, see ledger.ts. The folder comes by environment. */
import { randomBytes } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { current_task } from 'parjob';

/** @type {number | undefined} */
let fd;
const process_word = randomBytes(4).toString('hex');
let runs = 0;

/** @param {string} line */
function write(line) {
  // opened for the first task, for the master loads this file too; 'a' makes each write an append
  fd ??= openSync(
    join(/** @type {string} */ (process.env['CHAOS_LEDGER']), `ledger.${process.pid}.${process_word}`),
    'a',
  );
  writeSync(fd, line);
}

function now() {
  return process.hrtime.bigint() / 1000n;
}

/**
 * A task begins to run.
 * @param {number} task
 */
export function begin(task) {
  const { attempt } = current_task();
  const run = `${process.pid}-${process_word}-${runs++}`;
  write(`b ${task} ${attempt} ${run} ${now()}\n`);
  return {
    run,
    /** @param {'done' | 'threw' | 'dies'} how */
    end(how) {
      write(`e ${task} ${attempt} ${run} ${now()} ${how}\n`);
    },
  };
}
