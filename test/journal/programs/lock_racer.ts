/**
 * Takes the lock of a file again and again, and says so when another has it at the same time. Instead of giving
 * it back it often leaves it as one whose process is gone, so that there is a stale lock to fight for. It begins
 * when there is a file <file>.go.
 *
 *     node --import tsx lock_racer.ts <file> <how often>
 */
import { closeSync, existsSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { StatusFileError } from '../../../src/errors.js';
import { Lock } from '../../../src/journal/lock.js';
import { new_owner } from '../../../src/journal/owner.js';

const [file = '', rounds = ''] = process.argv.slice(2);

console.log('ready');
while (!existsSync(`${file}.go`)) await new Promise(setImmediate);
race();

function race(): void {
  let violations = 0;
  let refused = 0;
  let taken = 0;
  while (taken < Number(rounds)) {
    let lock: Lock;
    try {
      lock = Lock.acquire(file);
    } catch (error) {
      if (!(error instanceof StatusFileError) || error.problem !== 'locked') throw error;
      refused++;
      continue;
    }
    taken++;
    try {
      closeSync(openSync(`${file}.alone`, 'wx'));
    } catch {
      violations++;
    }
    unlink(`${file}.alone`);
    if (taken % 10 > 0) {
      // a pid that no process has
      writeFileSync(`${file}.dead-${process.pid}`, JSON.stringify({ ...new_owner(), pid: 2 ** 30 }));
      renameSync(`${file}.dead-${process.pid}`, lock.path);
    }
    lock.release();
  }
  console.log(JSON.stringify({ taken, violations, refused }));
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // a violation has removed it
  }
}
