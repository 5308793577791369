/**
 * A serial program for tests. It copies the lines of `in` to `out`, one unit each, and marks them with `mark`.
 * `runs=FILE` gets a line for each start, and another if its section runs elsewhere at the time, which is seen in the folder
 * `alone`. It can be made to do wrong: see the parameters below.
 */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';

const pars = Object.fromEntries(
  process.argv.slice(2).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
);
const report_fd = process.env.PARJOB_REPORT_FD;
const section = process.env.PARJOB_SECTION ?? '-';

function report(line) {
  if (report_fd !== undefined) writeSync(Number(report_fd), `${line}\n`);
}

/** hosts=all, or a list of names; sections likewise. */
function is_meant(hosts, sections) {
  const is_in = (list, name) => list === undefined || list === 'all' || list.split(',').includes(name);
  return hosts !== undefined && is_in(hosts, hostname()) && is_in(sections, section);
}

function wait(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Whether the process lives whose number is in a file. */
function is_alive(file) {
  try {
    const stat = readFileSync(`/proc/${readFileSync(file, 'utf8')}/stat`, 'utf8');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

if (pars.runs !== undefined) {
  const words = [
    section,
    hostname(),
    process.env.PARJOB_ATTEMPT,
    pars.finished ?? '',
    pars.restart ?? '',
    pars.add ?? '',
  ];
  appendFileSync(pars.runs, `${words.join(' ')}\n`);
}
const mark = pars.alone === undefined ? undefined : `${pars.alone}/${section}`;
if (mark !== undefined) {
  // what was killed is gone at once on a machine that has nothing else to do
  for (let waits = 0; is_alive(mark); waits++) {
    if (waits === 500) appendFileSync(pars.runs, `${section} runs twice\n`);
    if (waits === 500) break;
    wait(10);
  }
  writeFileSync(mark, String(process.pid));
}
report('started');
const lines = readFileSync(pars.in ?? 0, 'utf8')
  .split('\n')
  .slice(0, -1);
const first = Number(pars.finished ?? 0);
if (pars.out !== undefined) {
  if (first === 0) writeFileSync(pars.out, '');
  // what was written behind the checkpoint does not count
  else truncateSync(pars.out, lines.slice(0, first).join('').length + first * (1 + (pars.mark ?? '').length));
}
for (const [i, line] of lines.entries()) {
  if (i < first) continue;
  if (is_meant(pars.fail_on, pars.fail_section) && i === Number(pars.fail_at ?? 0)) {
    if (pars.fail_by === 'signal') process.kill(process.pid, 'SIGSEGV');
    if (pars.fail_by === 'report') report(`error no convergence: at ${i}`);
    console.error('it went wrong');
    process.exit(3);
  }
  if (is_meant(pars.hold_on, pars.hold_section) && i === Number(pars.hold_at ?? 0))
    while (!existsSync(pars.hold)) wait(10);
  const text = `${pars.mark ?? ''}${line}\n`;
  if (pars.out === undefined) process.stdout.write(text);
  else appendFileSync(pars.out, text);
  if (pars.checkpoint === 'report') {
    report(`progress ${i + 1} of ${lines.length}`);
    report(`checkpoint finished=${i + 1}`);
  }
  if (pars.checkpoint === 'sep') console.error(`serial finished=${i + 1} of ${lines.length}`);
}
if (pars.remove_out === 'y') rmSync(pars.out);
if (mark !== undefined) rmSync(mark);
