/**
 * A serial program for tests, in the manner of SEP's: reads a history file, and writes another one whose data, twice as
 * large, are in a file of their own in DATAPATH. One row is a unit. With finished=n and add=y it goes on with what is there.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';

const pars = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const bytes = readFileSync(pars.in);
const mark = bytes.indexOf('\f\f\x04');
const head = bytes.toString('latin1', 0, mark);
const n1 = Number(/.*\bn1=(\d+)/s.exec(head)[1]) * 4;
const rows = bytes.subarray(mark + 3);
const first = Number(pars.finished ?? 0);
appendFileSync(pars.runs, `${hostname()} ${first} ${pars.add ?? ''}\n`);

let data = `${process.env.DATAPATH}out.H@`;
if (pars.add === 'y' && existsSync(pars.out))
  data = /.*\bin="([^"]*)"/s.exec(readFileSync(pars.out, 'latin1'))[1];
else writeFileSync(data, '');
if (first > 0) writeFileSync(data, readFileSync(data).subarray(0, first * n1));
writeFileSync(pars.out, `${head}\nin="${data}"\n`);
for (let at = first * n1; at < rows.length; at += n1) {
  if (pars.fail_on === hostname() && at / n1 === Number(pars.fail_at) && process.env.PARJOB_ATTEMPT === '1')
    process.exit(3);
  const row = Buffer.from(rows.subarray(at, at + n1));
  for (let i = 0; i < n1; i += 4) row.writeFloatLE(2 * row.readFloatLE(i), i);
  appendFileSync(data, row);
  writeSync(Number(process.env.PARJOB_REPORT_FD), `checkpoint finished=${at / n1 + 1}\n`);
}
