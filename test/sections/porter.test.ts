/** Transfers that fail, with hosts that are none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CopyFile } from '../../src/sections/copy_file.js';
import type { Hosts } from '../../src/sections/hosts.js';
import { PiecesTable } from '../../src/sections/pieces_table.js';
import { Porter } from '../../src/sections/porter.js';
import { StatusFile } from '../../src/sections/status_file.js';
import { test_folder } from './kit.js';

const opened: StatusFile[] = [];
afterEach(() => {
  for (const status of opened.splice(0)) status.close();
});

interface Received {
  path: string;
  from: number;
  bytes: number;
}

/** A host whose transfers break as often as is said. */
async function bench(breaks: number) {
  const folder = test_folder();
  const status = StatusFile.open({ file: join(folder, 'test.sections'), jobname: 'test' }, false);
  opened.push(status);
  const pieces = new PiecesTable(status);
  const received: Received[] = [];
  const states: (string | undefined)[] = [];
  let part = 0;
  const answers: Record<string, (args: unknown[], feed?: AsyncIterable<Uint8Array>) => unknown> = {
    free_bytes: () => 1e9,
    part_bytes: () => part,
    stat_files: ([paths]) => (paths as string[]).map(() => null),
    receive: async ([path, from], feed) => {
      states.push(pieces.get('in/model@a')?.state);
      let bytes = from as number;
      for await (const chunk of feed ?? []) bytes += chunk.byteLength;
      received.push({ path: path as string, from: from as number, bytes });
      if (received.length > breaks) return { size: bytes, sha256: 'cafe' };
      part = 4;
      throw new Error('the line is bad');
    },
  };
  const hosts = {
    folder_of: () => '/scratch',
    is_up: () => true,
    call: async (
      _host: string,
      name: string,
      args: unknown[],
      options?: { feed?: AsyncIterable<Uint8Array> },
    ) => answers[name]?.(args, options?.feed),
  } as unknown as Hosts;
  const input = join(folder, 'model.bin');
  writeFileSync(input, '0123456789');
  const file = new CopyFile({ name: input, usage: 'INPUT', tag: 'model=' });
  await file.open(1);
  return { porter: new Porter(hosts, pieces, () => {}), pieces, file, received, states };
}

describe('a transfer that fails', () => {
  it('leaves no piece that anybody believes in, and the next one brings it (11, defect 7)', async () => {
    const { porter, pieces, file, states } = await bench(2);
    await expect(porter.bring('model', file, '0', 0, 'a')).rejects.toThrow('the line is bad');
    expect(states).toEqual(['staging', 'staging']);
    expect(pieces.get('in/model@a')).toMatchObject({ state: 'absent', files: [] });
    const piece = await porter.bring('model', file, '1', 1, 'a');
    expect(piece).toMatchObject({ state: 'present', files: [{ size: 10, sha256: 'cafe' }] });
  });

  it('goes on where it stopped', async () => {
    const { porter, file, received } = await bench(1);
    await porter.bring('model', file, '0', 0, 'a');
    expect(received.map(({ from, bytes }) => [from, bytes])).toEqual([
      [0, 10],
      [4, 10],
    ]);
  });

  it('is one for all sections that wait for it', async () => {
    const { porter, file, received } = await bench(0);
    await Promise.all(['0', '1', '2'].map((id, i) => porter.bring('model', file, id, i, 'a')));
    expect(received).toHaveLength(1);
  });

  it('of a host whose piece is gone is made again', async () => {
    const { porter, pieces, file, received } = await bench(0);
    pieces.stage('in/model@a', { file: 'model', host: 'a', identity: file.identity });
    pieces.arrive('in/model@a', [{ path: '/scratch/model.bin', size: 10, sha256: 'cafe' }]);
    await porter.bring('model', file, '0', 0, 'a');
    expect(received).toHaveLength(1);
  });
});
