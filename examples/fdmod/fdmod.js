/**
 * Two-dimensional acoustic modelling by finite differences: a serial program that knows nothing of parjob.
 *
 *     node fdmod.js vel=vel.rsf out=shots.rsf nt=500 dt=0.002 first=0 nshot=2 dshot=20
 *
 * Shots first, first + 1, ... stand `dshot` points apart; each is recorded at all points of the surface. It may be told
 * that so many are done (finished=3): then it goes on behind them. The files are Madagascar's, head and data in one.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

const MARK = '\f\f\x04';
const EDGE = 30; // points on each side in which waves die away
const DEPTH = 3; // of shots and receivers, in points

const pars = Object.fromEntries(
  process.argv.slice(2).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
);
const [nt, dt, first, nshot, dshot] = ['nt', 'dt', 'first', 'nshot', 'dshot'].map((name) =>
  Number(pars[name]),
);
const { nz, nx, d, vel } = read_velocity(pars.vel);
const [wide, deep] = [nx + 2 * EDGE, nz + 2 * EDGE];
const courant = padded((z, x) => ((vel[x * nz + z] * dt) / d) ** 2);
const damping = Float32Array.from(
  { length: wide * deep },
  (_, i) => damp(i % deep, deep) * damp(Math.floor(i / deep), wide),
);

const head = `n1=${nt} n2=${nx} n3=${nshot} d1=${dt} d2=${d} d3=${dshot * d} o1=0 o2=0 o3=${first * dshot * d}
esize=4 data_format="native_float" in="stdin"
${MARK}`;
const finished = Number(pars.finished ?? 0);
const out = openSync(pars.out, finished === 0 ? 'w' : 'r+');
const shot_bytes = 4 * nt * nx;
ftruncateSync(out, finished === 0 ? 0 : head.length + finished * shot_bytes);
if (finished === 0) writeSync(out, head, 0, 'latin1');
for (let shot = finished; shot < nshot; shot++) {
  writeSync(
    out,
    Buffer.from(model((first + shot) * dshot).buffer),
    0,
    shot_bytes,
    head.length + shot * shot_bytes,
  );
  // said when it is in the file, never before
  console.error(`fdmod finished=${shot + 1} of ${nshot}`);
}
closeSync(out);

/** The gather of a shot at point `source` of the surface: nt samples of each of nx receivers. */
function model(source) {
  let [now, before] = [new Float32Array(wide * deep), new Float32Array(wide * deep)];
  const gather = new Float32Array(nt * nx);
  const at = (x) => (x + EDGE) * deep + EDGE + DEPTH;
  for (let t = 0; t < nt; t++) {
    const after = before;
    for (let x = 2; x < wide - 2; x++) {
      for (let i = x * deep + 2; i < x * deep + deep - 2; i++) {
        const along_z = 16 * (now[i - 1] + now[i + 1]) - now[i - 2] - now[i + 2];
        const along_x = 16 * (now[i - deep] + now[i + deep]) - now[i - 2 * deep] - now[i + 2 * deep];
        const laplace = (along_z + along_x - 60 * now[i]) / 12;
        after[i] = damping[i] * (2 * now[i] - damping[i] * before[i] + courant[i] * laplace);
      }
    }
    after[at(source)] += ricker(t * dt);
    [before, now] = [now, after];
    for (let x = 0; x < nx; x++) gather[x * nt + t] = now[at(x)];
  }
  return gather;
}

/** A wavelet of 15 Hz with its peak at 0.1 s. */
function ricker(time) {
  const a = (Math.PI * 15 * (time - 0.1)) ** 2;
  return (1 - 2 * a) * Math.exp(-a);
}

function damp(i, n) {
  const inside = Math.min(i, n - 1 - i, EDGE);
  return Math.exp(-((0.015 * (EDGE - inside)) ** 2));
}

function padded(value) {
  const inside = (i, n) => Math.min(Math.max(i - EDGE, 0), n - 1);
  return Float32Array.from({ length: wide * deep }, (_, i) =>
    value(inside(i % deep, nz), inside(Math.floor(i / deep), nx)),
  );
}

function read_velocity(file) {
  const bytes = readFileSync(file);
  const start = bytes.indexOf(MARK, 0, 'latin1');
  const text = bytes.toString('latin1', 0, start);
  const number = (name) => Number(new RegExp(`\\b${name}=(\\S+)`).exec(text)[1]);
  const data = bytes.subarray(start + MARK.length);
  return {
    nz: number('n1'),
    nx: number('n2'),
    d: number('d1'),
    vel: new Float32Array(Uint8Array.from(data).buffer),
  };
}
