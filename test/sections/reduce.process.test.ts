/** Copied OUTPUTs: what slots add up, and that each section is in the sum exactly once, whatever happens to whom. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CopyFile } from '../../src/sections/copy_file.js';
import { Line } from '../../src/sections/line.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { files_below, hosts, next_event, record_events, test_folder, test_job } from './kit.js';

const COUNT = 24;
const IDS = Array.from({ length: COUNT }, (_, i) => `s${i}`);
/** Section i gives 4^i: the digits of the sum in base 4 say how often each is in it, up to three times. */
const ONCE_EACH = (4 ** COUNT - 1) / 3;

type LineCall = (this: Line, name: string, ...rest: unknown[]) => Promise<unknown>;
const call = Line.prototype.call as unknown as LineCall;

/** Lets `instead` answer the calls of all lines; it may pass them on. */
function tap_calls(
  instead: (line: Line, name: string, pass: () => Promise<unknown>) => Promise<unknown>,
): void {
  vi.spyOn(Line.prototype, 'call').mockImplementation(function (this: Line, ...args: unknown[]) {
    const [name, ...rest] = args as [string, ...unknown[]];
    return instead(this, name, () => call.call(this, name, ...rest)) as never;
  });
}

/** A .npy file of these numbers. */
function npy(...numbers: number[]): Buffer {
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (${numbers.length},), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${dict.padEnd(117)}\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(Float64Array.from(numbers).buffer)]);
}

/** Sections whose program, a quick one, copies what they give. */
function sum_job(folder: string, options: Partial<ParJobOptions> = {}) {
  const given = join(folder, 'given');
  mkdirSync(given, { recursive: true });
  for (const [i, id] of IDS.entries())
    writeFileSync(join(given, id), npy(...[1, 2, 3, 4].map((k) => k * 4 ** i)));
  return test_job(folder, {
    sect_pars: Object.fromEntries(IDS.map((id) => [id, {}])),
    files: { image: new CopyFile({ name: join(folder, 'image.npy'), usage: 'OUTPUT' }) },
    program: ['/bin/cp', join(given, '{id}'), '{image}'],
    slaves: hosts('a', 'a', 'b'),
    attempts: 3,
    ...options,
  });
}

/** The four numbers of the image: `ONCE_EACH` times 1, 2, 3, 4 when each section is in it once. */
function image_in(folder: string): number[] {
  const bytes = readFileSync(join(folder, 'image.npy'));
  return [0, 8, 16, 24].map((at) => bytes.readDoubleLE(bytes.length - 32 + at));
}

const EXACT = [1, 2, 3, 4].map((k) => k * ONCE_EACH);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a copied OUTPUT of many sections', () => {
  it('is collected as a few sums of each slot, and takes disk by the slots, not by the sections', async () => {
    const folder = test_folder();
    let fetched = 0;
    tap_calls((_line, name, pass) => {
      if (name === 'send_file') fetched++;
      return pass();
    });
    const parjob = sum_job(folder, { slaves: hosts('a', 'b') });
    let most = 0;
    parjob.on('section_finished', () => {
      most = Math.max(most, files_below(join(folder, 'scratch')).length);
    });
    const { files } = await parjob.run();
    expect(files).toEqual([join(folder, 'image.npy')]);
    expect(image_in(folder)).toEqual(EXACT);
    // three sections a sum: four sums of each slot, one more where one slot was quicker
    expect(fetched).toBeGreaterThanOrEqual(8);
    expect(fetched).toBeLessThanOrEqual(10);
    // its sums, and what is just being added, of each slot
    expect(most).toBeLessThanOrEqual(2 * (5 + 4));
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });

  it('has each section once when one was retried and a slave died after adding, before it could say so', async () => {
    const folder = test_folder();
    let is_killed = false;
    tap_calls(async (line, name, pass) => {
      const result = await pass();
      if (name !== 'add_to_sum' || is_killed) return result;
      is_killed = true;
      process.kill(line.slave.pid as number, 'SIGKILL');
      throw await line.ended;
    });
    const parjob = sum_job(folder, {
      command_func: ({ id, attempt, command }) => (id === 's3' && attempt === 1 ? ['/bin/false'] : command()),
    });
    const failures = record_events(parjob, 'section_failed');
    const { done } = await parjob.run();
    expect(done).toHaveLength(COUNT);
    expect(is_killed).toBe(true);
    const why = new Set(failures.map(({ event }) => (event as { why: string }).why));
    expect([...why].toSorted()).toEqual(['lost', 'program']);
    expect(image_in(folder)).toEqual(EXACT);
  });

  it('has each section once when a host goes with sums that were not collected', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const parjob = sum_job(folder, { slaves, host_timeout: 200 });
    const starts = new Map<string, number>();
    parjob.on('section_started', ({ id }) => starts.set(id, (starts.get(id) ?? 0) + 1));
    let finished_on_b = 0;
    parjob.on('section_finished', ({ host }) => {
      if (host === 'b' && ++finished_on_b === 5) slaves[1]?.power_off();
    });
    const gone = next_event(parjob, 'host_gone');
    await parjob.run();
    expect((await gone).host).toBe('b');
    // three of the five are in a sum of their own, which may be here; the other two were not
    expect([...starts.values()].filter((times) => times > 1).length).toBeGreaterThanOrEqual(2);
    expect(image_in(folder)).toEqual(EXACT);
  });

  it('is right beside a split OUTPUT, of which a host takes pieces with it', async () => {
    const folder = test_folder();
    const slaves = hosts('a', 'b');
    const parjob = sum_job(folder, {
      slaves,
      host_timeout: 200,
      files: {
        image: new CopyFile({ name: join(folder, 'image.npy'), usage: 'OUTPUT' }),
        names: new SplitFile({ name: join(folder, 'names.txt'), usage: 'OUTPUT', tag: '>' }),
      },
      command_func: ({ id, command }) => ['/bin/sh', '-c', `"$@"; echo ${id}`, 'sh', ...command()],
    });
    let finished_on_b = 0;
    parjob.on('section_finished', ({ host }) => {
      if (host === 'b' && ++finished_on_b === 5) slaves[1]?.power_off();
    });
    await parjob.run();
    expect(image_in(folder)).toEqual(EXACT);
    expect(readFileSync(join(folder, 'names.txt'), 'utf8')).toBe(IDS.map((id) => `${id}\n`).join(''));
  });

  it('is run again as far as a sum was damaged on its host', async () => {
    const folder = test_folder();
    let damaged = 0;
    tap_calls(async (_line, name, pass) => {
      if (name === 'send_file' && damaged === 0) {
        for (const file of files_below(join(folder, 'scratch'))) {
          writeFileSync(file, Buffer.alloc(160, 7));
          damaged++;
        }
      }
      return pass();
    });
    await sum_job(folder).run();
    expect(damaged).toBeGreaterThan(0);
    expect(image_in(folder)).toEqual(EXACT);
  });

  it('is added to the file that is there, if that is asked for', async () => {
    const folder = test_folder();
    const files = () => ({
      image: new CopyFile({ name: join(folder, 'image.npy'), usage: 'OUTPUT', add: true }),
    });
    await sum_job(folder, { files: files() }).run();
    await sum_job(folder, { files: files() }).run();
    expect(image_in(folder)).toEqual(EXACT.map((value) => 2 * value));
  });

  it('is added once when the master dies right after that', async () => {
    const folder = test_folder();
    const files = () => ({
      image: new CopyFile({ name: join(folder, 'image.npy'), usage: 'OUTPUT', add: true }),
    });
    writeFileSync(join(folder, 'image.npy'), npy(5, 5, 5, 5));
    tap_calls(async (_line, name, pass) => (name === 'remove_paths' ? [] : pass()));
    await sum_job(folder, { files: files() }).run();
    expect(image_in(folder)).toEqual(EXACT.map((value) => value + 5));
    const status_file = join(folder, 'test.sections');
    const lines = readFileSync(status_file, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('"added"'));
    writeFileSync(status_file, `${lines.slice(0, at + 1).join('\n')}\n`);
    const again = sum_job(folder, { files: files(), restart: true });
    const sent = record_events(again, 'section_sent');
    await again.run();
    expect(sent).toEqual([]);
    expect(image_in(folder)).toEqual(EXACT.map((value) => value + 5));
    // and not again with one section that is another
    const sect_pars = Object.fromEntries(IDS.map((id) => [id, id === 's3' ? { n: 1 } : {}]));
    const other = sum_job(folder, { files: files(), restart: true, sect_pars });
    await expect(other.run()).rejects.toThrow(
      /has added its sections to .*image\.npy; run again, they would be in it twice/,
    );
    expect(image_in(folder)).toEqual(EXACT.map((value) => value + 5));
  });

  it('that cannot be added to those before it fails its section, with the reason', async () => {
    const folder = test_folder();
    const parjob = sum_job(folder, { slaves: hosts('a'), attempts: 1 });
    writeFileSync(join(folder, 'given', 's5'), npy(1, 2, 3, 4, 5));
    await expect(parjob.run()).rejects.toThrow(
      /section s5 \(on a\): its output image cannot be added to those of other sections: it has 5 elements \(float64, .*\), they have 4 elements/,
    );
  });
});

describe('a restart', () => {
  it('goes on with the sums that are on hosts, wherever the master died', async () => {
    const folder = test_folder();
    const controller = new AbortController();
    // it dies before it has removed anything
    tap_calls(async (_line, name, pass) => (name === 'remove_paths' ? [] : pass()));
    const parjob = sum_job(folder, { slaves: hosts('a', 'b') });
    let finished = 0;
    parjob.on('section_finished', () => {
      if (++finished === 14) controller.abort(new Error('enough'));
    });
    await expect(parjob.run({ signal: controller.signal })).rejects.toThrow('enough');
    vi.restoreAllMocks();
    const copy = test_folder();
    cpSync(folder, copy, { recursive: true });
    const status_file = join(folder, 'test.sections');
    const lines = readFileSync(status_file, 'utf8').split('\n').slice(0, -1);
    const last_sum = lines.findLastIndex(
      (line) => line.startsWith('{"kind":"sum"') && !line.includes('gone'),
    );
    // before the line of the sum, after it, behind what follows, and at the end
    for (const length of [last_sum, last_sum + 1, last_sum + 2, lines.length]) {
      rmSync(folder, { recursive: true });
      cpSync(copy, folder, { recursive: true });
      writeFileSync(
        status_file,
        lines
          .slice(0, length)
          .map((line) => `${line}\n`)
          .join(''),
      );
      const again = sum_job(folder, { slaves: hosts('a', 'b'), restart: true });
      const sent = record_events(again, 'section_sent');
      await again.run();
      expect(image_in(folder)).toEqual(EXACT);
      // what was in a sum was not run again
      if (length > last_sum) expect(sent.length).toBeLessThanOrEqual(COUNT - 14 + 1);
    }
  });
});
