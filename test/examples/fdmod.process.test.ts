/** The example fdmod with each of its programs: in C, compiled by it, and in JavaScript where there is no compiler. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { test_folder } from '../kit/cluster.js';
import { Program } from '../kit/processes.js';

const TSX = resolve('node_modules/tsx/dist/cli.mjs');
const HAS_CC = spawnSync('cc', ['--version']).error === undefined;

function start(folder: string, compiler: string): Program {
  return new Program([TSX, resolve('examples/fdmod/main.ts')], { cwd: folder, env: { CC: compiler } });
}

async function run(folder: string, compiler: string): Promise<string> {
  const program = start(folder, compiler);
  const output = await program.rest();
  const { code } = await program.ended;
  expect(code, output + program.stderr).toBe(0);
  expect(output).toContain('6 gathers, the same as those of one program alone');
  expect(output).toContain('direct wave: 2000 m/s, expected 2000');
  return output;
}

describe('the example fdmod', () => {
  it('runs fdmod.js where there is no compiler', async () => {
    const folder = test_folder();
    expect(await run(folder, 'no-such-compiler')).toMatch(
      /^fdmod\.js is used: no-such-compiler is not there$/m,
    );
    expect(existsSync(join(folder, 'fdmod'))).toBe(false);
  });

  it('says what the compiler says when it does not compile', async () => {
    expect(await run(test_folder(), 'false')).toMatch(/^fdmod\.js is used: false says/m);
  });

  it('compiles fdmod.c, sends it to the hosts, and goes on after it was killed', async () => {
    if (!HAS_CC) return console.log('not tried: there is no cc');
    const folder = test_folder();
    const first = start(folder, 'cc');
    expect(await first.line()).toBe('fdmod.c is compiled');
    while (!/^section \d on .*: 1 of 1$/.test(await first.line()));
    first.child.kill('SIGKILL');
    await first.ended;
    const output = await run(folder, 'cc');
    // what is finished is not run again
    expect(output).not.toContain('section 1 on');
    expect(output).not.toContain('is compiled');
    expect(readFileSync(join(folder, 'main.sections'), 'utf8')).toContain('"file":"program"');
  });
});
