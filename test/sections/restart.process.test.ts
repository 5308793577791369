/**
 * A master that is killed, and the one that goes on. Numbers in brackets are those of the reference's checks, those of
 * defects are of its list of them.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { open_status } from '../../src/sections/run_tools.js';
import type { SectionFields } from '../../src/sections/section_records.js';
import { read_status } from '../../src/sections/status_file.js';
import { is_alive, Program, wait_gone } from '../kit/processes.js';
import { files_below, test_folder } from './kit.js';

const MASTER = fileURLToPath(new URL('./tasks/master.js', import.meta.url));
const INPUT = Array.from({ length: 12 }, (_, i) => `unit ${i}\n`).join('');

/** Places in the status file at which a master may die that the random ones seldom meet, and what they are. */
const PLACES = [
  ['"state":"sent" after', 'when a section is sent'],
  ['"state":"present","file":"in" before', 'when an input is there that is not known to be'],
  ['"checkpoint_attempt":2 before', 'when an attempt may have begun to go on with another'],
  ['"checkpoint_attempt":2 after', 'when an attempt goes on with another'],
  ['"state":"present","file":"out" after', 'when an output is there'],
  ['"state":"finished" before', 'when a program has ended'],
  ['"state":"collected" after', 'when a section is collected'],
  ['"id":"finished" before', 'when all is collected'],
  ['"id":"finished" after', 'when the run is over'],
  ['"folder":null before', 'when a host has been cleaned'],
] as const;
/** Each seed is another row of kills. */
const SEEDS = [1, 2];
/** Masters that are killed before one may come to its end. */
const KILLS = 6;

const programs: Program[] = [];
afterEach(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.splice(0).map(({ ended }) => ended));
});

function start_master(
  folder: string,
  words: readonly string[] = ['2'],
  env?: Record<string, string>,
): Program {
  const program = new Program([MASTER, folder, ...words], { cwd: folder, ...(env && { env }) });
  programs.push(program);
  return program;
}

function folder_with_input(): string {
  const folder = test_folder();
  writeFileSync(join(folder, 'in.txt'), INPUT);
  writeFileSync(join(folder, 'table.txt'), 'a table\n');
  mkdirSync(join(folder, 'alone'));
  return folder;
}

function parent_of(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
}

/** Numbers from 0 to 1 that are the same for a seed. */
function random_from(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What the status file says of sections, and which inputs are on hosts by it. */
function known_of(folder: string): { sections: Map<string, SectionFields>; inputs: string[] } {
  const file = join(folder, 'logs/killed.sections');
  if (!existsSync(file)) return { sections: new Map(), inputs: [] };
  const { by_kind } = read_status(file).records;
  const inputs = [...(by_kind.get('piece') ?? [])].filter(
    ([id, { state }]) => id.startsWith('in/') && state === 'present',
  );
  return { sections: new Map(by_kind.get('section')), inputs: inputs.map(([id]) => id) };
}

function units_of(checkpoint = 'finished=0'): number {
  return Number(checkpoint.replace('finished=', ''));
}

/** Runs a master to its end, or to where it dies. What an earlier one knew must hold for it. */
async function go_on(folder: string, die_at?: string): Promise<'killed' | 'done'> {
  const before = known_of(folder);
  const runs_before = runs_of(folder).length;
  const words = ['2', `alone=${join(folder, 'alone')}`];
  const master = start_master(folder, words, die_at === undefined ? undefined : { DIE_AT: die_at });
  const said = await master.rest();
  const where = `${die_at}: ${said}${master.stderr}`;
  // what had finished is not run again, what had not goes on behind its checkpoint, its inputs stay
  for (const start of runs_of(folder).slice(runs_before)) {
    const [id = '', , , from] = start.split(' ');
    const section = before.sections.get(id);
    expect(section?.state ?? 'todo', where).not.toMatch(/finished|collected/);
    expect(Number(from), where).toBeGreaterThanOrEqual(units_of(section?.checkpoint));
  }
  for (const piece of before.inputs) expect(said).not.toContain(`notice ${piece} is on`);
  expect(said).not.toMatch(/is dropped/);
  // what is told is written down
  const { sections } = known_of(folder);
  for (const [, id = '', text] of said.matchAll(/^section_checkpoint (\S+) \d+ (.*)$/gm)) {
    const now = sections.get(id);
    if (/finished|collected/.test(now?.state ?? '')) continue;
    expect(units_of(now?.checkpoint), where).toBeGreaterThanOrEqual(units_of(text));
  }
  const { signal } = await master.ended;
  if (signal === 'SIGKILL') return 'killed';
  expect(said, where).toMatch(/(^|\n)done 0 1 2 3$/);
  return 'done';
}

/** All is there, nothing ran twice at once, and nothing is left. */
async function expect_end(folder: string): Promise<void> {
  expect(runs_of(folder).filter((line) => line.includes('twice'))).toEqual([]);
  expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
  expect([...known_of(folder).sections.values()].map(({ state }) => state)).toEqual(
    Array(4).fill('collected'),
  );
  // of one that was killed while it cleaned up, a new run removes it
  if (files_below(join(folder, 'scratch')).length > 0)
    await start_master(folder, ['2'], { RESTART: 'no' }).rest();
  expect(files_below(join(folder, 'scratch'))).toEqual([]);
}

async function until(program: Program, text: string): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = await program.line();
    lines.push(line);
    if (line.startsWith(text)) return lines;
  }
}

function runs_of(folder: string): string[] {
  const file = join(folder, 'runs');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

describe('a master that is killed', () => {
  it('is followed by one that runs what had not finished, from its checkpoint, and sends nothing again (12)', async () => {
    const folder = folder_with_input();
    // sections 2 and 3 stop at their second unit; 0 and 1 finish
    const hold = ['hold_on=all', 'hold_section=2,3', 'hold_at=2'];
    const first = start_master(folder, ['2', ...hold]);
    const seen: string[] = [];
    while (seen.filter((line) => /^section_checkpoint [23] 1 finished=2/.test(line)).length < 2)
      seen.push(await first.line());
    first.child.kill('SIGKILL');
    await first.ended;
    writeFileSync(join(folder, 'go'), '');
    const second = start_master(folder, ['2', ...hold]);
    const said = (await second.rest()).split('\n');
    expect(said.at(-1)).toBe('done 0 1 2 3');
    expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
    const runs = runs_of(folder).map((line) => line.split(' '));
    const starts = (id: string) =>
      runs.filter((words) => words[0] === id).map(([, , attempt, from]) => `${attempt} ${from}`);
    expect(['0', '1', '2', '3'].map(starts)).toEqual([['1 '], ['1 '], ['1 ', '2 2'], ['1 ', '2 2']]);
    expect(said.filter((line) => /notice in\/.* is on /.test(line))).toEqual([]);
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });

  for (const [place, what] of PLACES)
    it(`${what} is followed by one that goes on from there (12, defect 10)`, async () => {
      const folder = folder_with_input();
      // a second attempt there is only of another master
      if (place.includes('_attempt')) await go_on(folder, '"checkpoint":"finished=2" after');
      expect(await go_on(folder, place)).toBe('killed');
      expect(await go_on(folder)).toBe('done');
      await expect_end(folder);
    });

  for (const seed of SEEDS)
    it(`at any line of its status file, time after time: nothing that was said is lost, and nothing runs twice (12, defects 10 and 13, seed ${seed})`, async () => {
      const folder = folder_with_input();
      const random = random_from(seed);
      const one_of = <T>(things: readonly T[]) => things[Math.floor(random() * things.length)] as T;
      for (let kills = 0; ; kills++) {
        const die_at = `${1 + Math.floor(random() * 40)} ${one_of(['before', 'torn', 'after'])}`;
        if ((await go_on(folder, kills < KILLS ? die_at : undefined)) === 'done') break;
      }
      await expect_end(folder);
    });

  it('when the run is over may be followed by a new run, which removes what that one left (15)', async () => {
    const folder = folder_with_input();
    expect(await go_on(folder, '"id":"finished" after')).toBe('killed');
    expect(files_below(join(folder, 'scratch')).length).toBeGreaterThan(0);
    await start_master(folder, ['2'], { RESTART: 'no' }).rest();
    expect(files_below(join(folder, 'scratch'))).toEqual([]);
  });

  it('has nothing to do when the run had come to its end, and all when an input is another', async () => {
    const folder = folder_with_input();
    await start_master(folder).rest();
    const again = start_master(folder);
    expect(await again.rest()).toBe('done 0 1 2 3');
    expect(runs_of(folder)).toHaveLength(4);
    writeFileSync(join(folder, 'table.txt'), 'another table\n');
    const anew = start_master(folder);
    expect((await anew.rest()).split('\n').at(-1)).toBe('done 0 1 2 3');
    expect(runs_of(folder)).toHaveLength(8);
  });

  it('when it does all again for the sake of another input is followed by one that knows that', async () => {
    const folder = folder_with_input();
    expect(await go_on(folder)).toBe('done');
    writeFileSync(join(folder, 'table.txt'), 'another table\n');
    rmSync(join(folder, 'out.txt'));
    // as a rule the last one
    const master = start_master(folder, ['2'], { DIE_AT: '"id":"3","state":"collected" after' });
    await master.rest();
    expect((await master.ended).signal).toBe('SIGKILL');
    expect(await go_on(folder)).toBe('done');
    await expect_end(folder);
  });

  it('leaves no process behind, on this machine or others: programs end, and slaves (defect 16)', async () => {
    const folder = folder_with_input();
    const master = start_master(folder, ['2', 'hold_on=all', 'hold_at=1'], { RECONNECT_TIMEOUT: '500' });
    const pids: number[] = [];
    while (pids.length < 2) {
      const [, pid] = /^section_started \S+ \d+ (\d+)$/.exec(await master.line()) ?? [];
      if (pid !== undefined) pids.push(Number(pid));
    }
    const slaves = pids.map(parent_of);
    expect([...pids, ...slaves].every(is_alive)).toBe(true);
    master.child.kill('SIGKILL');
    await wait_gone([...pids, ...slaves], 60_000);
  });

  it('may leave a line that was cut off, which counts as not written (defect 13)', async () => {
    const folder = folder_with_input();
    await start_master(folder, ['1']).rest();
    const status = join(folder, 'logs/killed.sections');
    appendFileSync(status, '{"kind":"section","id":"0","state":"to');
    const again = start_master(folder, ['1']);
    const said = (await again.rest()).split('\n');
    expect(said[0]).toMatch(/^notice the last line of .*killed.sections was cut off/);
    expect(said.at(-1)).toBe('done 0 1 2 3');
    expect(runs_of(folder)).toHaveLength(4);
  });
});

describe('what a person wants', () => {
  it('of a run that goes on: a section again, a host drained', async () => {
    const { drain_host, sections_status, set_section } = await import('../../src/sections/status.js');
    const folder = folder_with_input();
    const hold = ['hold_on=all', 'hold_section=0', 'hold_at=1'];
    const master = start_master(folder, ['1', ...hold]);
    await until(master, 'section_checkpoint 0');
    const status = join(folder, 'logs/killed.sections');
    const { hostname } = await import('node:os');
    expect(sections_status(status).sections[0]).toMatchObject({
      id: '0',
      state: 'running',
      host: hostname(),
      attempt: 1,
    });
    drain_host(status, hostname());
    set_section(status, '0', 'todo');
    await until(master, `notice by hand: set_section 0 todo`);
    expect(sections_status(status).hosts).toMatchObject([{ host: hostname(), state: 'drained' }]);
    set_section(status, '99', 'todo');
    await until(master, 'notice by hand: there is no section 99');
    drain_host(status, hostname(), false);
    writeFileSync(join(folder, 'go'), '');
    await until(master, 'done 0 1 2 3');
    expect(runs_of(folder).filter((line) => line.startsWith('0 '))).toHaveLength(2);
  });

  it('of a run that goes on is not that a second master takes its status file away', async () => {
    const { sections_status } = await import('../../src/sections/status.js');
    const folder = folder_with_input();
    const master = start_master(folder, ['1', 'hold_on=all', 'hold_section=0', 'hold_at=1']);
    await until(master, 'section_checkpoint 0');
    const status = join(folder, 'logs/killed.sections');
    const begin_anew = () => open_status(status, 'killed', false, () => {});
    expect(begin_anew).toThrow(expect.objectContaining({ problem: 'locked' }));
    expect(existsSync(`${status}.old`)).toBe(false);
    expect(sections_status(status).sections[0]).toMatchObject({ id: '0', state: 'running' });
    writeFileSync(join(folder, 'go'), '');
    await until(master, 'done 0 1 2 3');
  });

  it('of a run that nobody carries on is done by the next master', async () => {
    const { set_section } = await import('../../src/sections/status.js');
    const folder = folder_with_input();
    mkdirSync(join(folder, 'logs'));
    set_section(join(folder, 'logs/killed.sections'), '1', 'failed');
    const master = start_master(folder, ['1']);
    await master.ended;
    expect(master.stderr).toMatch(/section 1 failed: set to failed by hand/);
  });
});
