import { expect, it } from 'vitest';
import { key_hashes } from '../../src/journal/done_line.js';
import { KeyTable } from '../../src/watch/key_table.js';

it('numbers keys in the order in which they come, and knows them again', () => {
  const table = new KeyTable();
  const number_of = (key: string) => table.number_of(...key_hashes(key));
  for (let i = 0; i < 200_000; i++) if (number_of(`task ${i}`) !== i) throw new Error(`task ${i}`);
  for (let i = 0; i < 200_000; i += 7) if (number_of(`task ${i}`) !== i) throw new Error(`task ${i}, again`);
  expect(table.size).toBe(200_000);
});

it('tells keys apart whose first hashes are the same', () => {
  const table = new KeyTable(10);
  expect([table.number_of(5, 1), table.number_of(5, 2), table.number_of(5, 1)]).toEqual([0, 1, 0]);
});
