/** The tables for those who come from elsewhere name, on our side, only what there is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SOURCES = (readdirSync('src', { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join('src', file), 'utf8'))
  .join('\n');

/** The rows of all tables on a page, each as its cells. Heads and rules have no code in them. */
function rows_of(page: string): string[][] {
  const rows = readFileSync(page, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|') && line.includes('`'));
  return rows.map((row) => row.replace(/^\|(.*)\|$/, '$1').split('|'));
}

/** Words of ours in code: with an underscore, or of a class. */
function names_in(cell: string): string[] {
  const code = [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replace(/'[^']*'/g, ''));
  return [...code.join('\n').matchAll(/\b(?:[a-z]+(?:_[a-z]+)+|[A-Z][a-z]+[A-Za-z]*|[A-Z]+_[A-Z_]+)\b/g)].map(
    ([name]) => name,
  );
}

it.each(['src/master/MODELLER.md', 'src/sections/SEP.md'])('%s has no name that does not exist', (page) => {
  const names = rows_of(page).flatMap(([theirs = '', ...ours]) =>
    [...ours, ...(ours[0]?.trim().startsWith('the same') ? [theirs] : [])].flatMap(names_in),
  );
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(SOURCES))).toEqual([]);
});

it('MODELLER.md has each of its calls', () => {
  const theirs = rows_of('src/master/MODELLER.md')
    .map(([cell]) => cell)
    .join('\n');
  const calls = `Job SGEPEJob SGEQsubJob worker_startup_commands queue_task run_all_tasks yield_tasks_unordered start run_cmd
    send_data get_data Task LocalWorker SSHWorker SGEPEWorker SGEQsubWorker use_parallel_job NetworkError RemoteError`;
  for (const call of calls.split(/\s+/)) expect(theirs).toMatch(new RegExp(`\\b${call}\\b`));
});
