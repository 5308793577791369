/**
 * The transpose of a matrix that need not fit into memory: `npx tsx examples/transpose/main.ts [machine file]`
 *
 * It is cut along axis 2, each section transposes its columns by themselves, and what they give is put side by side
 * along axis 1. Checked element by element.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { local_slaves, ParJob, SplitFile, ssh_slaves } from 'parjob';

const [N1, N2] = [300, 401];
const matrix = Float32Array.from({ length: N1 * N2 }, (_, i) => i);
const head = `n1=${N1} n2=${N2} esize=4 data_format="native_float" in="stdin"\n\f\f\x04`;
writeFileSync('in.rsf', Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(matrix.buffer)]));

const parjob = new ParJob({
  sect_pars: 5,
  files: {
    in: new SplitFile({ name: 'in.rsf', usage: 'INPUT', tag: '<', axes: 2 }),
    out: new SplitFile({ name: 'out.rsf', usage: 'OUTPUT', tag: '>', axes: 1 }),
  },
  program: [process.execPath, fileURLToPath(new URL('./transp.js', import.meta.url))],
  slaves: process.argv[2] === undefined ? local_slaves(2) : ssh_slaves(process.argv[2]),
});
await parjob.run();

const text = readFileSync('out.rsf', 'latin1');
const data_file = [...text.matchAll(/\bin="([^"]+)"/g)].at(-1)?.[1] ?? 'stdin';
const bytes = data_file === 'stdin' ? Buffer.from(text, 'latin1') : readFileSync(data_file);
const out = new Float32Array(Uint8Array.from(bytes.subarray(-4 * N1 * N2)).buffer);
const wrong = out.filter((value, i) => value !== matrix[(i % N2) * N1 + Math.floor(i / N2)]).length;
console.log(`${N1} x ${N2}, ${wrong} of ${out.length} elements are wrong`);
if (wrong > 0) process.exitCode = 1;
