/** The lines of SEP.md by which programs report, in each language whose compiler is here, run as a section and alone. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hosts, record_events, test_folder, test_job } from './kit.js';

/** The first block of that language behind the heading. */
function snippet(language: string): string {
  const [, side = ''] = readFileSync('src/sections/SEP.md', 'utf8').split("## The program's side");
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(side)?.[1] ?? '';
}

/** What runs a program in that language, and what compiles it first. */
const LANGUAGES = [
  { language: 'sh', run: ['sh'] },
  { language: 'python', run: ['python3'] },
  { language: 'c', compile: ['cc', '-Wall', '-Wextra', '-Werror'] },
  { language: 'f90', compile: ['gfortran', '-Wall', '-Werror', '-std=f2008'] },
] as const;

describe('the lines of SEP.md that report', () => {
  it.each(LANGUAGES)('are heard from a section, and say nothing alone: $language', async (given) => {
    const [tool = '', ...flags] = 'compile' in given ? given.compile : given.run;
    const { error } = spawnSync(tool, ['--version']);
    if (error !== undefined) return console.log(`not tried: ${tool} cannot be run: ${error.message}`);
    const folder = test_folder();
    const source = join(folder, `report.${given.language}`);
    const binary = join(folder, 'report');
    writeFileSync(source, snippet(given.language));
    if ('compile' in given) execFileSync(tool, [...flags, '-o', binary, source], { cwd: folder });
    const program = 'compile' in given ? [binary] : [tool, source];
    const { PARJOB_REPORT_FD: _unset, ...env } = process.env;
    const alone = spawnSync(program[0] as string, program.slice(1), { env });
    expect([alone.status, String(alone.stdout), String(alone.stderr)]).toEqual([0, '', '']);
    const parjob = test_job(folder, { sect_pars: 1, files: {}, program, slaves: hosts('a') });
    const events = record_events(parjob, 'section_progress', 'section_checkpoint');
    await parjob.run();
    const who = { id: '0', attempt: 1, host: 'a' };
    expect(events.map(({ event }) => event)).toEqual([
      { ...who, done: 3, total: 10 },
      { ...who, text: 'finished=3' },
    ]);
  });
});
