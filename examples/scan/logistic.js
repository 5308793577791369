/** How often x = r x (1 - x) comes to each of `bins` values, as a NumPy file: `node logistic.js r=3.5 bins=200 out=h.npy` */
import { writeFileSync } from 'node:fs';

const pars = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
const counts = new Float32Array(Number(pars.bins));
let x = 0.5;
for (let i = 0; i < 20_000; i++) {
  x = Number(pars.r) * x * (1 - x);
  if (i >= 1000) counts[Math.min(counts.length - 1, Math.floor(x * counts.length))]++;
}
const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${counts.length},), }`;
const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${text.padEnd(117)}\n`, 'latin1');
writeFileSync(pars.out, Buffer.concat([head, Buffer.from(counts.buffer)]));
