/** The programs on our pages for those who come from elsewhere do what the pages say. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { test_folder } from '../kit/cluster.js';
import { Program } from '../kit/processes.js';
import { write_project } from './blocks.js';

const TSX = resolve('node_modules/tsx/dist/cli.mjs');

async function run(folder: string, program: string, env: Record<string, string> = {}): Promise<string> {
  const running = new Program([TSX, program], { cwd: folder, env });
  const output = await running.rest();
  expect(await running.ended, running.stderr).toEqual({ code: 0, signal: null });
  return output;
}

describe('MODELLER.md', () => {
  const page = 'src/master/MODELLER.md';

  it('has a script that counts residues', async () => {
    const folder = test_folder();
    write_project(folder, page);
    const atom = (i: number, name: string) => `ATOM  ${String(i).padStart(5)}  ${name.padEnd(3)} ALA A   1`;
    writeFileSync(
      join(folder, '1fdx.pdb'),
      [atom(1, 'N'), atom(2, 'CA'), atom(3, 'C'), atom(4, 'CA')].join('\n'),
    );
    writeFileSync(join(folder, '1blu.pdb'), atom(1, 'CA'));
    expect(await run(folder, 'main.ts')).toBe('1fdx 2\n1blu 1');
  });

  it('has slaves that are talked with', async () => {
    const folder = test_folder();
    write_project(folder, page);
    expect(await run(folder, 'talk.ts')).toBe('talk.slave0 says 499500\ntalk.slave1 says 1499500');
  });
});

/** A program that takes and writes files as SEP's does: as many gathers as there are sources, of their places. */
const FDMOD = `#!${process.execPath}
import { readFileSync, writeFileSync } from 'node:fs';
const pars = Object.fromEntries(process.argv.slice(2).map((word) => word.split('=')));
if (!readFileSync(pars.intag, 'latin1').includes('n1=2')) process.exit(3);
const head = 'n1=1 n2=1 n3=' + pars.nxs + ' esize=4 data_format="native_float" in="stdin"\\n\\f\\f\\x04';
const places = Array.from({ length: Number(pars.nxs) }, (_, i) => Number(pars.oxs) + i * Number(pars.dxs));
writeFileSync(pars.hsfile, Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(Float32Array.from(places).buffer)]));
`;

describe('SEP.md', () => {
  const page = 'src/sections/SEP.md';

  it('has a job that models shots', async () => {
    const folder = test_folder();
    write_project(folder, page);
    writeFileSync(join(folder, 'Fdmod'), FDMOD);
    chmodSync(join(folder, 'Fdmod'), 0o755);
    writeFileSync(join(folder, 'mfile'), 'localhost:2\n');
    const head = 'n1=2 n2=1 esize=4 data_format="native_float" in="stdin"\n\f\f\x04';
    writeFileSync(join(folder, 'vel.H'), Buffer.concat([Buffer.from(head, 'latin1'), Buffer.alloc(8)]));
    const env = { PATH: `${folder}${delimiter}${process.env['PATH']}`, DATAPATH: join(folder, 'scratch') };
    expect(await run(folder, 'fdmod.ts', env)).toBe('8 sections are in shots.H');
    const bytes = readFileSync(join(folder, 'shots.H'));
    expect(bytes.toString('latin1')).toMatch(/\bn3=20\b/);
    const places = new Float32Array(Uint8Array.from(bytes.subarray(-4 * 20)).buffer);
    expect([...places]).toEqual(Array.from({ length: 20 }, (_, i) => 200 * i));
  });

  const snippet = (language: string) =>
    new RegExp('```' + language + '\\n(.*?)```', 's').exec(
      readFileSync(page, 'utf8').split("## The program's side")[1] ?? '',
    )?.[1] ?? '';
  const has = (program: string) => spawnSync(program, ['--version']).status === 0;

  /** What a program says on descriptor 3. */
  function said(words: readonly [string, ...string[]], env: Record<string, string>): string {
    const [file, ...rest] = words;
    const ended = spawnSync(file, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    expect(ended.status, String(ended.stderr)).toBe(0);
    return String(ended.output[3]);
  }

  const LANGUAGES = [
    { language: 'sh', runs: true },
    { language: 'python', runs: has('python3') },
    { language: 'c', runs: has('cc') },
  ];
  it.each(LANGUAGES.filter(({ runs }) => runs))('has lines that report, in $language', ({ language }) => {
    const folder = test_folder();
    const file = join(folder, `program.${language}`);
    writeFileSync(file, snippet(language));
    const program = join(folder, 'program');
    if (language === 'c') expect(spawnSync('cc', ['-Wall', '-Werror', '-o', program, file]).status).toBe(0);
    const words: [string, ...string[]] =
      language === 'c' ? [program] : [language === 'sh' ? 'sh' : 'python3', file];
    expect(said(words, { PARJOB_REPORT_FD: '3' })).toBe('progress 3 of 10\ncheckpoint finished=3\n');
    expect(said(words, {})).toBe('');
  });
});
