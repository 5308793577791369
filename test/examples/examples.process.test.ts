/** Each example is run as its README says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describe_with } from '../cluster/bed/components.js';
import { test_folder } from '../kit/cluster.js';
import { Program } from '../kit/processes.js';

const TSX = resolve('node_modules/tsx/dist/cli.mjs');

async function run_example(
  name: string,
  ...args: string[]
): Promise<{ output: string; stderr: string; code: number | null; folder: string }> {
  const folder = test_folder();
  const program = new Program([TSX, resolve('examples', name, 'main.ts'), ...args], { cwd: folder });
  const output = await program.rest();
  const { code } = await program.ended;
  return { output, stderr: program.stderr, code, folder };
}

describe('the example', () => {
  it('tasks prints a model a line and the best', async () => {
    const { output, code, stderr } = await run_example('tasks');
    expect(code, stderr).toBe(0);
    expect(output.match(/^model \d+: energy \d+\.\d{3}$/gm)).toHaveLength(10);
    expect(output).toMatch(/^best: model 5$/m);
  });

  it('unordered finds pi and leaves the run', async () => {
    const { output, code, stderr } = await run_example('unordered');
    expect(code, stderr).toBe(0);
    expect(output).toMatch(/^pi = 3\.1[34]\d\d \+- 0\.0010 after \d+ darts$/);
  });

  it('messages gets an answer from each slave', async () => {
    const { output, code, stderr } = await run_example('messages');
    expect(code, stderr).toBe(0);
    expect(output).toMatch(
      /^main\.slave0 says 42\nmain\.slave1 says 42\nhello from process \d+\nhello from process \d+$/,
    );
  });

  it('startup knows which words its slaves have loaded', async () => {
    const { output, code, stderr } = await run_example('startup');
    expect(code, stderr).toBe(0);
    expect(output.split('\n')).toEqual([
      'fs is a module of node',
      'net is a module of node',
      'fish is no module of node',
      'path is a module of node',
      'paths is no module of node',
    ]);
  });

  it('programs counts lines with wc, and lets a missing file fail alone', async () => {
    const folder = resolve('examples/startup');
    const { output, code, stderr } = await run_example('programs', folder);
    expect(code, stderr).toBe(0);
    for (const file of readdirSync(folder)) {
      const lines = readFileSync(join(folder, file), 'utf8').split('\n').length - 1;
      expect(output).toMatch(new RegExp(`^ +${lines} ${file}$`, 'm'));
    }
    expect(output).toMatch(/^failed: task 2, .*no such file/m);
  });

  it('alignment aligns the globins, and writes tree, table and heat map', async () => {
    const { output, code, stderr, folder } = await run_example(
      'alignment',
      '--once',
      '--slaves',
      '2',
      resolve('examples/alignment/data/globins45.fa'),
    );
    expect(code, stderr).toBe(0);
    expect(output).toContain('45 proteins, 990 pairs');
    expect(output).toMatch(/2 slaves +\d+\.\d+ s/);
    const out = join(folder, 'alignment-out');
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['identity.tsv', 'tree.nwk', 'heatmap.svg']));
    expect(readFileSync(join(out, 'tree.nwk'), 'utf8')).toMatch(/^\(.*\);\n$/s);
  });

  it('alignment names the line of a malformed file', async () => {
    const folder = test_folder();
    const { writeFileSync } = await import('node:fs');
    const file = join(folder, 'bad.fasta');
    writeFileSync(file, '>one\nMKV\n>two\nMK1V\n');
    const { code, stderr } = await run_example('alignment', file);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.fasta.*4/);
  });
});

it('every example but the main one is under 60 lines a file', () => {
  for (const name of ['tasks', 'unordered', 'messages', 'startup', 'programs']) {
    for (const file of readdirSync(join('examples', name))) {
      expect(readFileSync(join('examples', name, file), 'utf8').split('\n').length).toBeLessThan(60);
    }
  }
});

describe('the example of sections', () => {
  it('fdmod finds the speed of its waves, and what one program alone computes', async () => {
    const { output, code, stderr, folder } = await run_example('fdmod');
    expect(code, stderr).toBe(0);
    expect(output).toContain('6 gathers, the same as those of one program alone');
    expect(output).toContain('direct wave: 2000 m/s, expected 2000');
    for (const picture of ['gather.png', 'stack.png'])
      expect(readFileSync(join(folder, picture)).toString('latin1', 1, 4)).toBe('PNG');
  });

  it('scan makes a row for each parameter', async () => {
    const { output, code, stderr } = await run_example('scan');
    expect(code, stderr).toBe(0);
    expect(output).toContain('24 sections, an array of (24, 200)');
    expect(output).toContain('r = 2.9: all at 0.655, expected 0.655');
  });

  it('transpose has every element where it belongs', async () => {
    const { output, code, stderr } = await run_example('transpose');
    expect(code, stderr).toBe(0);
    expect(output).toContain('300 x 401, 0 of 120300 elements are wrong');
  });
});

describe_with('blast', 'the example blast', () => {
  it('finds what blastp finds alone, in its order', async () => {
    const { output, code, stderr } = await run_example('blast');
    expect(code, stderr).toBe(0);
    expect(output).toMatch(/^\d+ hits from 8 sections$/m);
    expect(output).toContain('equal to the serial run, byte for byte');
  });
});
