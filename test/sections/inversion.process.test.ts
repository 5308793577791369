/** An inversion: one ParJob that runs again and again, with files exchanged under their names and slaves that stay. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CopyFile } from '../../src/sections/copy_file.js';
import { SplitFile } from '../../src/sections/split_file.js';
import { files_below, hosts, test_folder, test_job } from './kit.js';

const DATA = [3, 5, 7, 11, 13, 17];
const ITERATIONS = 4;

it('exchanges model and image between runs, and keeps the slaves, the data and what was made before', async () => {
  const folder = test_folder();
  const file = (name: string) => join(folder, name);
  writeFileSync(file('data.txt'), DATA.map((value) => `${value}\n`).join(''));
  writeFileSync(file('model0.txt'), '1\n');
  const slaves = hosts('a', 'b');
  const parjob = test_job(folder, {
    sect_pars: 3,
    files: { data: new SplitFile({ name: file('data.txt'), usage: 'INPUT', tag: '<' }) },
    // each value of the data and the model, added up
    program: [
      '/bin/sh',
      '-c',
      'read m < "$0"; while read d; do echo $((d + m)); done > "$1"',
      '{model}',
      '{image}',
    ],
    slaves,
    keep_slaves: true,
  });
  const images: string[] = [];
  let model = 1;
  const pids = new Set<number | undefined>();
  for (let i = 0; i < ITERATIONS; i++) {
    parjob.files['model'] = new CopyFile({ name: file(`model${i}.txt`), usage: 'INPUT' });
    parjob.files['image'] = new SplitFile({ name: file(`image${i}.txt`), usage: 'OUTPUT' });
    const { done, files } = await parjob.run();
    expect(done).toEqual(['0', '1', '2']);
    expect(files).toEqual([file(`image${i}.txt`)]);
    const values = readFileSync(file(`image${i}.txt`), 'utf8')
      .trimEnd()
      .split('\n')
      .map(Number);
    expect(values).toEqual(DATA.map((value) => value + model));
    images.push(file(`image${i}.txt`));
    // the next model is of this image
    model = values.reduce((sum, value) => sum + value, 0);
    writeFileSync(file(`model${i + 1}.txt`), `${model}\n`);
    for (const { pid } of slaves) pids.add(pid);
    // free for the next run, or for what else the user has for them
    expect(slaves.map(({ state }) => state)).toEqual(['connected', 'connected']);
    expect(files_below(file('scratch'))).toEqual([]);
  }
  // one process each, all the time
  expect(pids.size).toBe(2);
  expect(images.every((image) => existsSync(image))).toBe(true);
  // a run that goes on with the last one has nothing to do
  expect((await parjob.run({ restart: true })).done).toEqual(['0', '1', '2']);
  await parjob.stop();
  expect(slaves.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
});

it('may exchange one file for another of the same name: a restart that finds it so begins anew', async () => {
  const folder = test_folder();
  writeFileSync(join(folder, 'data.txt'), '1\n2\n');
  writeFileSync(join(folder, 'other.txt'), '3\n4\n');
  const out = new SplitFile({ name: join(folder, 'out.txt'), usage: 'OUTPUT', tag: '>' });
  const data = new SplitFile({ name: join(folder, 'data.txt'), usage: 'INPUT', tag: '<' });
  const slaves = hosts('a');
  const parjob = test_job(folder, {
    sect_pars: 2,
    files: { data, out },
    program: 'cat',
    slaves,
    keep_slaves: true,
  });
  await parjob.run();
  expect(readFileSync(out.name, 'utf8')).toBe('1\n2\n');
  parjob.files['data'] = new SplitFile({ name: join(folder, 'other.txt'), usage: 'INPUT', tag: '<' });
  await parjob.run({ restart: true });
  expect(readFileSync(out.name, 'utf8')).toBe('3\n4\n');
});

it('uses slaves that were given again, in its next run and in another ParJob, when they are not kept', async () => {
  const slaves = hosts('a', 'b');
  const options = { sect_pars: 2, files: {}, program: 'true', slaves };
  const parjob = test_job(test_folder(), options);
  for (const other of [parjob, parjob, test_job(test_folder(), options)]) {
    expect((await other.run()).done).toEqual(['0', '1']);
    expect(slaves.map(({ state }) => state)).toEqual(['stopped', 'stopped']);
  }
});
