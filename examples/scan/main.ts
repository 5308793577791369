/**
 * A scan of a parameter, with no input: `npx tsx examples/scan/main.ts [machine file]`
 *
 * Each section has a growth rate r of its own; what it writes, a row, is stacked along a new axis. The rows make the
 * picture of a tree that branches, scan.png. Checked where the answer is known: for r = 2.9 all is at 1 - 1 / r.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { local_slaves, ParJob, SplitFile, ssh_slaves } from 'parjob';
import { write_png } from '../fdmod/png.js';

const [BINS, ROWS] = [200, 24];
const rates = Array.from({ length: ROWS }, (_, i) => Number((2.9 + (i * 1.1) / (ROWS - 1)).toFixed(4)));

const parjob = new ParJob({
  sect_pars: Object.fromEntries(rates.map((r) => [`r=${r}`, { r }])),
  files: { rows: new SplitFile({ name: 'scan.npy', usage: 'OUTPUT', tag: 'out=', axes: 'new' }) },
  program: [process.execPath, fileURLToPath(new URL('./logistic.js', import.meta.url))],
  global_pars: { bins: BINS },
  slaves: process.argv[2] === undefined ? local_slaves(2) : ssh_slaves(process.argv[2]),
});
const { done } = await parjob.run();

const bytes = readFileSync('scan.npy');
const counts = new Float32Array(Uint8Array.from(bytes.subarray(-4 * BINS * ROWS)).buffer);
const row = (i: number) => counts.subarray(i * BINS, (i + 1) * BINS);
write_png('scan.png', BINS, ROWS * 8, (x, y) => 255 - 3 * (row(Math.floor(y / 8))[x] as number));
const shape = /'shape': \(([^)]*)\)/.exec(bytes.toString('latin1', 0, 128))?.[1];
console.log(`${done.length} sections, an array of (${shape})`);
console.log(
  `r = 2.9: all at ${(row(0).indexOf(Math.max(...row(0))) / BINS).toFixed(3)}, expected ${(1 - 1 / 2.9).toFixed(3)}`,
);
console.log(`r = 3.9: ${row(rates.length - 3).filter((count) => count > 0).length} of ${BINS} values`);
