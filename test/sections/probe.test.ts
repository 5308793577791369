import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { probe } from '../../src/sections/far/probe.js';
import { test_folder } from './kit.js';

const look = (scratch: string) =>
  probe(undefined as never, { scratch, folder: 'job.1', programs: ['sh'], min_free_bytes: 0 });

it('a probe makes the scratch folder with all above it, for its user alone', async () => {
  const folder = test_folder();
  const { scratch } = await look(join(folder, 'a/b'));
  expect(scratch).toBe(join(folder, 'a/b/job.1'));
  expect(statSync(scratch).mode & 0o777).toBe(0o700);
  await look(join(folder, 'a/b'));
});

it('probes of many hosts make their folders on one file system side by side', async () => {
  for (let round = 0; round < 10; round++) {
    const folder = test_folder();
    await Promise.all(Array.from({ length: 20 }, () => look(join(folder, 'a/b/c'))));
  }
});

it('a probe says so at once where no folder can be made', async () => {
  // nothing can be below /proc, and it says "there is no such folder", as an automounter does
  await expect(look('/proc/nowhere')).rejects.toThrow(
    /scratch folder \/proc\/nowhere\/job.1 cannot be used: ENOENT/,
  );
  const folder = test_folder();
  writeFileSync(join(folder, 'file'), '');
  await expect(look(join(folder, 'file/below'))).rejects.toThrow(/cannot be used: ENOTDIR/);
});
