/**
 * Seismic modelling over shots, SEP's own example: `npx tsx examples/fdmod/main.ts [machine file]`
 *
 * The velocity goes whole to each host, each section models some shots, and their gathers come together along axis 3.
 * The program is fdmod.c, which is compiled here and goes to the hosts too; where there is no cc (or CC), it is fdmod.js.
 * Checked against the travel time of the direct wave, and bit for bit against the program run alone. Writes gather.png
 * and stack.png. Kill it and start it again: it goes on, within a section too.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CopyFile, local_slaves, ParJob, SplitFile, ssh_slaves } from 'parjob';
import { write_png } from './png.js';

const [NZ, NX, D, SPEED] = [60, 120, 10, 2000]; // points, metres, metres a second
const [NT, DT, SHOTS, DSHOT, SECTIONS] = [400, 0.002, 6, 20, 4];
const binary = compiled();
const program = binary === undefined ? [process.execPath, path_of('fdmod.js')] : [binary];
const pars = { nt: NT, dt: DT, dshot: DSHOT };

const vel = new Float32Array(NZ * NX).map((_, i) => (i % NZ < 40 ? SPEED : 3000));
const head = `n1=${NZ} n2=${NX} d1=${D} d2=${D} esize=4 data_format="native_float" in="stdin"\n\f\f\x04`;
// not over one that is there: an input that is newer is another, with which a restart begins anew
if (!existsSync('vel.rsf'))
  writeFileSync('vel.rsf', Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(vel.buffer)]));

// the first sections get one shot more
const sect_pars = Object.fromEntries(
  Array.from({ length: SECTIONS }, (_, i) => {
    const first = Math.ceil((i * SHOTS) / SECTIONS);
    return [String(i), { first, nshot: Math.ceil(((i + 1) * SHOTS) / SECTIONS) - first }];
  }),
);
const parjob = new ParJob({
  sect_pars,
  files: {
    vel: new CopyFile({ name: 'vel.rsf', usage: 'INPUT', tag: 'vel=' }),
    shots: new SplitFile({ name: 'shots.rsf', usage: 'OUTPUT', tag: 'out=', axes: 3 }),
  },
  program,
  ship: binary !== undefined,
  global_pars: pars,
  restart: true,
  restart_com: 'restart=1',
  slaves: process.argv[2] === undefined ? local_slaves(2) : ssh_slaves(process.argv[2]),
});
parjob.on('section_progress', ({ id, host, done, total }) =>
  console.log(`section ${id} on ${host}: ${done} of ${total}`),
);
await parjob.run();

const shots = read_floats('shots.rsf');
const alone = Object.entries({ ...pars, vel: 'vel.rsf', out: 'alone.rsf', first: 0, nshot: SHOTS });
execFileSync(program[0] as string, [...program.slice(1), ...alone.map((pair) => pair.join('='))], {
  stdio: 'ignore',
});
const is_same = Buffer.from(shots.buffer).equals(Buffer.from(read_floats('alone.rsf').buffer));
console.log(`${SHOTS} gathers, ${is_same ? 'the same' : 'NOT the same'} as those of one program alone`);

// the peak of the direct wave moves out by the slowness: a line through it, by least squares
const offsets = Array.from({ length: 25 }, (_, i) => (i + 10) * D);
const times = offsets.map((offset) => DT * peak(shots.subarray((offset / D) * NT, (offset / D + 1) * NT)));
const [mean_x, mean_t] = [mean(offsets), mean(times)];
const slowness =
  offsets.reduce((sum, x, i) => sum + (x - mean_x) * ((times[i] as number) - mean_t), 0) /
  offsets.reduce((sum, x) => sum + (x - mean_x) ** 2, 0);
console.log(`direct wave: ${(1 / slowness).toFixed(0)} m/s, expected ${SPEED}`);

const stack = new Float32Array(NT * NX);
for (const [i, value] of shots.entries())
  stack[i % stack.length] = (stack[i % stack.length] as number) + value;
picture('gather.png', shots.subarray(0, NT * NX));
picture('stack.png', stack);
if (!is_same || Math.abs(1 / slowness - SPEED) > 0.02 * SPEED) process.exitCode = 1;

/** The path of fdmod.c, compiled; undefined where that cannot be done. */
function compiled(): string | undefined {
  const compiler = process.env['CC'] ?? 'cc';
  const source = path_of('fdmod.c');
  // likewise
  const before = statSync('fdmod', { throwIfNoEntry: false });
  if (before !== undefined && before.mtimeMs > statSync(source).mtimeMs) return resolve('fdmod');
  try {
    execFileSync(compiler, ['-O2', '-o', 'fdmod', source, '-lm'], { stdio: 'pipe' });
    console.log('fdmod.c is compiled');
    return resolve('fdmod');
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    console.log(`fdmod.js is used: ${compiler} ${code === 'ENOENT' ? 'is not there' : `says ${stderr}`}`);
    return undefined;
  }
}

function path_of(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url));
}

/** The data of a file whose head says where they are: behind it, or in a file beside. */
function read_floats(file: string): Float32Array {
  const bytes = readFileSync(file);
  const end = bytes.indexOf('\f\f\x04', 0, 'latin1');
  const data_file = [
    ...bytes.toString('latin1', 0, end === -1 ? undefined : end).matchAll(/\bin="([^"]+)"/g),
  ].at(-1)?.[1];
  const data =
    data_file === 'stdin' || data_file === undefined ? bytes.subarray(end + 3) : readFileSync(data_file);
  return new Float32Array(Uint8Array.from(data).buffer);
}

function peak(trace: Float32Array): number {
  return trace.reduce((best, value, i) => (Math.abs(value) > Math.abs(trace[best] as number) ? i : best), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function picture(file: string, gather: Float32Array): void {
  const scale = 2000 / gather.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  write_png(file, NX, NT, (x, t) => 128 + scale * (gather[x * NT + t] as number));
}
