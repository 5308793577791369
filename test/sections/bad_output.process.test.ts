/** Outputs that are not what was declared, and outputs for which the master has no room. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SectionFailedError } from '../../src/errors.js';
import { CopyFile } from '../../src/sections/copy_file.js';
import type { Format } from '../../src/sections/formats/format.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { hosts, record_events, test_folder, test_job } from './kit.js';

/** A .npy file of these numbers. */
function npy(...numbers: readonly number[]): Buffer {
  return npy_of(Float64Array.from(numbers));
}

function npy_of(numbers: Float64Array): Buffer {
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (${numbers.length},), }`;
  const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${dict.padEnd(117)}\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(numbers.buffer)]);
}

function sep(...numbers: number[]): Buffer {
  const head = `n1=${numbers.length} esize=8 data_format="native_double" in="stdin"\n\f\f\x04`;
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(Float64Array.from(numbers).buffer)]);
}

/** Sections whose program copies the file `given/<section>`, or `given/<section>.<attempt>` if there is one. */
function copying_job(
  folder: string,
  given: Record<string, Buffer | string>,
  out: ConstructorParameters<typeof SplitFile>[0] | CopyFile,
  options: Partial<ParJobOptions> = {},
) {
  mkdirSync(join(folder, 'given'), { recursive: true });
  for (const [name, bytes] of Object.entries(given)) writeFileSync(join(folder, 'given', name), bytes);
  const script = 'if [ -e "$0.$2" ]; then cp "$0.$2" "$1"; else cp "$0" "$1"; fi';
  return test_job(folder, {
    sect_pars: 3,
    files: { out: out instanceof CopyFile ? out : new SplitFile(out) },
    program: ['/bin/sh', '-c', script, join(folder, 'given', '{id}'), '{out}', '{attempt}'],
    slaves: hosts('a', 'b'),
    ...options,
  });
}

async function failure_of(run: Promise<unknown>): Promise<SectionFailedError> {
  return run.then(
    () => expect.fail('it should have failed'),
    (error) => error as SectionFailedError,
  );
}

describe('an output that is not of its declared format', () => {
  const good = { '0': npy(1, 2), '2': npy(5, 6) };

  it.each([
    ['a cut .npy file', 'out.npy', { ...good, '1': npy(3, 4).subarray(0, -5) }, 'asks for 16 bytes of data'],
    [
      'a .npy file that goes on',
      'out.npy',
      { ...good, '1': Buffer.concat([npy(3, 4), Buffer.alloc(3)]) },
      'asks for 144 bytes in all, but it has 147',
    ],
    [
      'an empty .npy file',
      'out.npy',
      { ...good, '1': '' },
      'cannot be read as NPY: it ends within its header, after 0 bytes',
    ],
    ['text', 'out.npy', { ...good, '1': 'hello\n' }, 'it is no .npy file: it does not begin with 93 NUMPY'],
    [
      'a cut SEP file',
      'out.rsf',
      { '0': sep(1), '1': sep(2, 3).subarray(0, -1), '2': sep(4) },
      'asks for 16 bytes of data',
    ],
    [
      'a SEP head without in=',
      'out.rsf',
      { '0': sep(1), '1': 'n1=3', '2': sep(4) },
      'it is no SEP or RSF header: it has no in=',
    ],
    [
      'records that are no FASTA',
      'out.fa',
      { '0': '>a\nA\n', '1': 'hello\n', '2': '>c\nC\n' },
      "the first record does not begin with '>'",
    ],
  ])('fails its section: %s', async (_what, name, given, cause) => {
    const folder = test_folder();
    const parjob = copying_job(
      folder,
      given,
      { name: join(folder, name), usage: 'OUTPUT' },
      { attempts: 2, on_failure: 'finish' },
    );
    const failures = record_events(parjob, 'section_failed');
    const error = await failure_of(parjob.run());
    expect(error.code).toBe('PARJOB_ERR_SECTION');
    expect(error.sections.map(({ id }) => id)).toEqual(['1']);
    expect(error.message).toMatch(
      /its program exited with code 0, and its output out is not as declared \((NPY|SEP|FASTA)\): /,
    );
    expect(error.message).toContain(cause);
    // on another host, and counted
    expect(error.sections[0]?.hosts.toSorted()).toEqual(['a', 'b']);
    expect(failures).toHaveLength(2);
  });

  it('is made again, and then the run succeeds', async () => {
    const folder = test_folder();
    const given = { '0': npy(1, 2), '1': npy(3, 4), '1.1': npy(3, 4).subarray(0, 100), '2': npy(5, 6) };
    const parjob = copying_job(folder, given, { name: join(folder, 'out.npy'), usage: 'OUTPUT' });
    await parjob.run();
    const bytes = readFileSync(join(folder, 'out.npy'));
    expect([...new Float64Array(Uint8Array.from(bytes.subarray(-48)).buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('is found when it is collected too: a shape that is not that of the others is charged to its section', async () => {
    const folder = test_folder();
    const matrix = (columns: number) => {
      const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': (1, ${columns}), }`;
      const head = Buffer.from(`\x93NUMPY\x01\x00v\x00${dict.padEnd(117)}\n`, 'latin1');
      return Buffer.concat([head, Buffer.alloc(8 * columns, 1)]);
    };
    // the second attempt is as the others
    const given = { '0': matrix(4), '1': matrix(4), '1.1': matrix(5), '2': matrix(4) };
    const parjob = copying_job(
      folder,
      given,
      { name: join(folder, 'out.npy'), usage: 'OUTPUT' },
      { slaves: hosts('a') },
    );
    await parjob.run();
    expect(readFileSync(join(folder, 'out.npy')).toString('latin1')).toContain("'shape': (3, 4)");
    const worse = copying_job(
      folder,
      { ...given, '1': matrix(5) },
      { name: join(folder, 'out.npy'), usage: 'OUTPUT' },
      { slaves: hosts('a'), on_failure: 'finish' },
    );
    const error = await failure_of(worse.run());
    expect(error.sections.map(({ id }) => id)).toEqual(['1']);
    expect(error.message).toContain('has 5 x 1 elements and section 0 4 x 1');
  });

  it('is found when it is collected: a header line that is not that of the others', async () => {
    const folder = test_folder();
    const given = { '0': 'a,b\n1,2\n', '1': 'a,b\n3,4\n', '2': 'a,b\n5,6\n', '2.1': 'a;b\n5;6\n' };
    const out = { name: join(folder, 'out.csv'), usage: 'OUTPUT' } as const;
    await copying_job(folder, given, out).run();
    expect(readFileSync(out.name, 'utf8')).toBe('a,b\n1,2\n3,4\n5,6\n');
  });

  it('in a format of the user fails its section as well', async () => {
    const folder = test_folder();
    const format: Format = {
      kind: 'cube',
      name: 'BARE',
      parse: (start, is_whole) => {
        if (start.length < 8 && !is_whole) return undefined;
        if (start.toString().length === 0 || start[0] !== 66) throw new Error('it does not begin with B');
        return { axes: [{ n: 1 }], element: { bytes: 8, number: 'float64' }, offset: 8 };
      },
      head: () => Buffer.from('BARE----'),
    };
    const bare = (number: number) =>
      Buffer.concat([Buffer.from('BARE----'), Buffer.from(Float64Array.of(number).buffer)]);
    const given = { '0': bare(1), '1': 'something else', '2': bare(4) };
    const copy = () => new CopyFile({ name: join(folder, 'sum.bare'), usage: 'OUTPUT', format });
    const parjob = copying_job(folder, given, copy(), { on_failure: 'finish' });
    const error = await failure_of(parjob.run());
    expect(error.sections.map(({ id }) => id)).toEqual(['1']);
    expect(error.message).toContain('it does not begin with B');
    await copying_job(folder, { ...given, '1': bare(2) }, copy()).run();
    expect(readFileSync(join(folder, 'sum.bare')).readDoubleLE(8)).toBe(7);
  });
});

const MIB = 2 ** 20;
const mounted: string[] = [];

afterEach(() => {
  for (const folder of mounted.splice(0)) execFileSync('umount', ['--lazy', folder]);
});

/** A file system of that size, or the reason why none can be mounted. */
function mount(folder: string, size: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' });
    mounted.push(folder);
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}

describe('a disk of the master that is too small', () => {
  it.each(['split', 'copied'] as const)(
    'is told with what is needed and what is free; a restart with more room collects, and runs nothing again: %s',
    async (kind) => {
      const folder = test_folder();
      const disk = join(folder, 'disk');
      mkdirSync(disk);
      const reason = mount(disk, '32m');
      if (reason !== undefined) return console.log(`not tried: no small disk can be mounted: ${reason}`);
      const name = join(disk, 'out.npy');
      const piece = npy_of(new Float64Array(MIB / 2).fill(1));
      const given = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [i, piece]));
      const out = () =>
        kind === 'copied' ? new CopyFile({ name, usage: 'OUTPUT' }) : ({ name, usage: 'OUTPUT' } as const);
      const parjob = copying_job(folder, given, out(), { sect_pars: 8 });
      const notices = record_events(parjob, 'notice');
      const error = await failure_of(parjob.run());
      const [, need, free] =
        /there is no room to collect .*out\.npy: that takes about (\d+) bytes in .*, and (\d+) are free\. All outputs stay on their hosts: make room, and restart: true collects them/.exec(
          error.message,
        ) ?? [];
      expect(Number(need)).toBeGreaterThan(Number(free));
      expect(Number(free)).toBeLessThanOrEqual(32 * MIB);
      if (kind === 'split') expect(Number(need)).toBeGreaterThan(8 * piece.length);
      // said once, and early
      const texts = notices.map(({ event }) => (event as { text: string }).text);
      expect(texts.filter((text) => text.startsWith('there is no room'))).toHaveLength(1);
      // and nothing of it is left there
      expect(readdirSync(disk)).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=256m', disk]);
      const again = copying_job(folder, given, out(), { sect_pars: 8, restart: true });
      const sent = record_events(again, 'section_sent');
      await again.run();
      expect(sent).toEqual([]);
      expect(statSync(name).size).toBe(128 + (kind === 'copied' ? 1 : 8) * 4 * MIB);
      expect(readFileSync(name).readDoubleLE(128)).toBe(kind === 'copied' ? 8 : 1);
    },
  );
});
