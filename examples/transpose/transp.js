/** Transposes a matrix in Madagascar's format: `node transp.js < in.rsf > out.rsf` */
import { readFileSync, writeSync } from 'node:fs';

const bytes = readFileSync(0);
const start = bytes.indexOf('\f\f\x04', 0, 'latin1');
const text = bytes.toString('latin1', 0, start);
const last = (name) => Number([...text.matchAll(new RegExp(`\\b${name}=(\\d+)`, 'g'))].at(-1)[1]);
const [n1, n2] = [last('n1'), last('n2')];
const from = new Float32Array(Uint8Array.from(bytes.subarray(start + 3)).buffer);
const to = new Float32Array(n1 * n2);
for (let i = 0; i < n1; i++) for (let j = 0; j < n2; j++) to[i * n2 + j] = from[j * n1 + i];
const head = `n1=${n2} n2=${n1} esize=4 data_format="native_float" in="stdin"\n\f\f\x04`;
const out = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(to.buffer)]);
for (let at = 0; at < out.length; ) at += writeSync(1, out, at);
