/**
 * A serial program for tests: adds `from` times 1, 2, 3, 4 to the elements of a NumPy file, one unit each. `runs=FILE` gets
 * a line for each start. It may fail, and say so first.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';

const pars = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const text = "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }";
const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(128 - 10 - 1)}\n`, 'latin1');
head.writeUInt16LE(128 - 10, 8);

function report(line) {
  if (process.env.PARJOB_REPORT_FD !== undefined)
    writeSync(Number(process.env.PARJOB_REPORT_FD), `${line}\n`);
}

const numbers = new Float64Array(4);
const first = Number(pars.finished ?? 0);
if (pars.runs !== undefined)
  appendFileSync(pars.runs, `${process.env.PARJOB_SECTION} ${hostname()} ${first} ${pars.add ?? ''}\n`);
if (first > 0) {
  if (pars.add !== 'y' || !existsSync(pars.image)) throw new Error('what was begun is not there');
  const bytes = readFileSync(pars.image);
  numbers.set(new Float64Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + 160)));
}
for (let unit = first; unit < 4; unit++) {
  if (pars.fail_on === hostname() && unit === Number(pars.fail_at)) {
    if (pars.fail_by === 'report') report('error it does not converge');
    process.exit(3);
  }
  numbers[unit] += Number(pars.from) * (unit + 1);
  writeFileSync(pars.image, Buffer.concat([head, Buffer.from(numbers.buffer)]));
  report(`checkpoint finished=${unit + 1}`);
}
