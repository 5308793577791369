/** A master that is killed, and the one that goes on. Numbers in brackets are those of the reference's checks. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { read_status } from '../../src/sections/status_file.js';
import { Program } from '../kit/processes.js';
import { files_below, test_folder } from './kit.js';

const MASTER = fileURLToPath(new URL('./tasks/master.js', import.meta.url));
const INPUT = Array.from({ length: 12 }, (_, i) => `unit ${i}\n`).join('');

const programs: Program[] = [];
afterEach(async () => {
  for (const { child } of programs) child.kill('SIGKILL');
  await Promise.all(programs.splice(0).map(({ ended }) => ended));
});

function start_master(folder: string, ...words: string[]): Program {
  writeFileSync(join(folder, 'table.txt'), 'a table\n');
  const program = new Program([MASTER, folder, ...words], { cwd: folder });
  programs.push(program);
  return program;
}

function folder_with_input(): string {
  const folder = test_folder();
  writeFileSync(join(folder, 'in.txt'), INPUT);
  writeFileSync(join(folder, 'table.txt'), 'a table\n');
  return folder;
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
  return readFileSync(join(folder, 'runs'), 'utf8').trimEnd().split('\n');
}

describe('a master that is killed', () => {
  it('is followed by one that runs what had not finished, from its checkpoint, and sends nothing again (12)', async () => {
    const folder = folder_with_input();
    // sections 2 and 3 stop at their second unit; 0 and 1 finish
    const hold = ['hold_on=all', 'hold_section=2,3', 'hold_at=2'];
    const first = start_master(folder, '2', ...hold);
    const seen: string[] = [];
    while (seen.filter((line) => /^section_checkpoint [23] 1 finished=2/.test(line)).length < 2)
      seen.push(await first.line());
    first.child.kill('SIGKILL');
    await first.ended;
    writeFileSync(join(folder, 'go'), '');
    const second = new Program([MASTER, folder, '2', ...hold], { cwd: folder });
    programs.push(second);
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

  for (const event of ['section_sent 0', 'section_checkpoint 1', 'section_finished', 'section_collected'])
    it(`at ${event} leaves a run that can be gone on with`, async () => {
      const folder = folder_with_input();
      const first = start_master(folder, '2');
      await until(first, event);
      first.child.kill('SIGKILL');
      await first.ended;
      const second = new Program([MASTER, folder, '2'], { cwd: folder });
      programs.push(second);
      expect((await second.rest()).split('\n').at(-1)).toBe('done 0 1 2 3');
      expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe(INPUT);
      const finished = [
        ...(read_status(join(folder, 'logs/killed.sections')).records.by_kind.get('section') ?? []),
      ];
      expect(finished.map(([, { state }]) => state)).toEqual(Array(4).fill('collected'));
    });

  it('has nothing to do when the run had come to its end', async () => {
    const folder = folder_with_input();
    await start_master(folder, '2').rest();
    const again = start_master(folder, '2');
    // the table is another than it was, by its time: so all is begun anew
    expect((await again.rest()).split('\n')).toContain('done 0 1 2 3');
    const third = new Program([MASTER, folder, '2'], { cwd: folder });
    programs.push(third);
    expect(await third.rest()).toBe('done 0 1 2 3');
  });

  it('may leave a line that was cut off, which counts as not written (13)', async () => {
    const folder = folder_with_input();
    await start_master(folder, '1').rest();
    const status = join(folder, 'logs/killed.sections');
    appendFileSync(status, '{"kind":"section","id":"0","state":"to');
    const again = new Program([MASTER, folder, '1'], { cwd: folder });
    programs.push(again);
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
    const master = start_master(folder, '1', ...hold);
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
    drain_host(status, hostname(), false);
    writeFileSync(join(folder, 'go'), '');
    await until(master, 'done 0 1 2 3');
    expect(runs_of(folder).filter((line) => line.startsWith('0 '))).toHaveLength(2);
  });

  it('of a run that nobody carries on is done by the next master', async () => {
    const { set_section } = await import('../../src/sections/status.js');
    const folder = folder_with_input();
    mkdirSync(join(folder, 'logs'));
    set_section(join(folder, 'logs/killed.sections'), '1', 'failed');
    const master = start_master(folder, '1');
    await master.ended;
    expect(master.stderr).toMatch(/section 1 failed: set to failed by hand/);
  });
});
