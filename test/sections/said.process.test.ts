/** What a ParJob says on standard error, by `verb`: lines for people, and none of the log of its Job unless asked for. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Program } from '../kit/processes.js';
import { test_folder } from './kit.js';

/** Section 1 fails at first, and what section 2 runs on is killed at first. */
const MAIN = `
import { local_slaves, ParJob, SplitFile } from '${resolve('dist/bundle/index.js')}';
const [verb, log_level] = process.argv.slice(2);
const script = \`
  if [ "$PARJOB_ATTEMPT$1" = 11 ]; then echo why; exit 3; fi
  if [ "$PARJOB_ATTEMPT$1" = 12 ]; then kill -9 $(cut -d" " -f4 /proc/$$/stat); sleep 60; fi
  echo section $1 > "$2"\`;
await new ParJob({
  sect_pars: 3,
  files: { out: new SplitFile({ name: 'out.txt', usage: 'OUTPUT' }) },
  program: ['/bin/sh', '-c', script, 'sh', '{id}', '{out}'],
  slaves: local_slaves(2),
  scratch: 'scratch',
  verb: Number(verb),
  job: log_level === undefined ? {} : { log_level },
}).run();
`;

async function said(...words: string[]): Promise<string[]> {
  const folder = test_folder();
  writeFileSync(join(folder, 'main.mjs'), MAIN);
  const program = new Program([join(folder, 'main.mjs'), ...words], { cwd: folder });
  const output = await program.rest();
  const { code } = await program.ended;
  expect(code, program.stderr).toBe(0);
  expect(output).toBe('');
  return program.stderr.split('\n').slice(0, -1);
}

describe('what a ParJob says', () => {
  it.each([
    ['-1', 0],
    ['0', 2],
    ['1', 8],
    ['2', 12],
  ])('is for people to read, with verb %s', async (verb, least) => {
    const lines = await said(verb);
    for (const line of lines) expect(line).toMatch(/^(parjob: |\| )/);
    expect(lines.length).toBeGreaterThanOrEqual(least);
    if (verb === '-1') return;
    expect(
      lines.filter((line) =>
        / failed on .*, attempt 1 \(program\): its program exited with code 3$/.test(line),
      ),
    ).toHaveLength(1);
    expect(lines.filter((line) => / was lost: .* was ended by SIGKILL/.test(line))).toHaveLength(1);
    if (verb === '0') expect(lines).toHaveLength(2);
    else expect(lines).toContain('| why');
  });

  it('has what a program printed last once for each attempt', async () => {
    const folder = test_folder();
    const main = `
import { local_slaves, ParJob } from '${resolve('dist/index.js')}';
await new ParJob({
  sect_pars: 2, files: {}, program: ['/bin/sh', '-c', 'echo why; exit 3'],
  slaves: local_slaves(1), scratch: 'scratch', verb: 1, attempts: 1,
}).run().catch((error) => console.log(error.message));
`;
    writeFileSync(join(folder, 'main.mjs'), main);
    const program = new Program([join(folder, 'main.mjs')], { cwd: folder });
    expect(await program.rest()).toMatch(
      /^section 0 failed: its program exited with code 3; 1 section is left, which restart/,
    );
    await program.ended;
    expect(program.stderr.match(/^\| why$/gm)).toHaveLength(1);
    expect(program.stderr).toMatch(/^parjob: section 0 is given up: its program exited with code 3$/m);
  });

  it('has the lines of the Job when these are asked for', async () => {
    const lines = await said('-1', 'warn');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('a slave was lost');
  });
});
