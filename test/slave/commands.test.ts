import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Master, run_command } from '../../src/slave/commands.js';

let cwd: string;
const sent: unknown[] = [];
const inbox: unknown[] = [];
const master: Master = {
  send_data: async (data) => void sent.push(data),
  get_data: async () => inbox.shift(),
};

function run(code: string, ...args: unknown[]): Promise<void> {
  return run_command({ kind: 'run_cmd', cmd_id: 4, is_function: false, code, args }, master, cwd);
}

function run_function(code: string, ...args: unknown[]): Promise<void> {
  return run_command({ kind: 'run_cmd', cmd_id: 4, is_function: true, code, args }, master, cwd);
}

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parjob-commands-'));
  writeFileSync(join(cwd, 'old.cjs'), 'exports.name = "old";');
  writeFileSync(join(cwd, 'new.mjs'), 'export const name = "new";');
  mkdirSync(join(cwd, 'node_modules', 'installed'), { recursive: true });
  writeFileSync(join(cwd, 'node_modules', 'installed', 'index.js'), 'exports.name = "installed";');
});
afterAll(() => rmSync(cwd, { recursive: true }));
afterEach(() => {
  sent.length = 0;
  inbox.length = 0;
});

describe('code', () => {
  it('talks with the master', async () => {
    inbox.push(20);
    await run('const n = await master.get_data(); await master.send_data(n + 1);');
    expect(sent).toEqual([21]);
  });

  it('has the arguments of run_cmd', async () => {
    await run('await master.send_data(args[0] + args[1])', 1, 2);
    expect(sent).toEqual([3]);
  });

  it('persists names that it assigns without declaring them, and no others', async () => {
    try {
      await run('parjob_test_a = 1; const parjob_test_b = 2;');
      await run('await master.send_data([parjob_test_a, typeof parjob_test_b])');
      expect(sent).toEqual([[1, 'undefined']]);
    } finally {
      Reflect.deleteProperty(globalThis, 'parjob_test_a');
    }
  });

  it('requires from the working directory', async () => {
    await run("await master.send_data([require('./old.cjs').name, require('installed').name])");
    expect(sent).toEqual([['old', 'installed']]);
  });

  it('imports from the working directory', async () => {
    await run("await master.send_data((await import('./new.mjs')).name)");
    expect(sent).toEqual(['new']);
  });

  it('may end with a comment', async () => {
    await run('await master.send_data(1) // one');
    expect(sent).toEqual([1]);
  });

  it('rejects with what it throws', async () => {
    await expect(run("throw new RangeError('too far')")).rejects.toThrow(RangeError);
    await expect(run("throw 'text'")).rejects.toBe('text');
  });

  it('that is no JavaScript rejects with a SyntaxError that names the command', async () => {
    const error = await run('const 3 = 4').catch((reason: Error) => reason);
    expect(error).toMatchObject({ name: 'SyntaxError' });
    expect((error as Error).stack).toContain('command 5:1');
  });

  it('that throws has the line of the code in its stack', async () => {
    const error = await run("\n\nthrow new Error('third line')").catch((reason: Error) => reason);
    expect((error as Error).stack).toContain('command 5:3');
  });
});

describe('a function', () => {
  it('gets the master and the arguments', async () => {
    await run_function('async (master, a, b) => { await master.send_data(a * b); }', 6, 7);
    expect(sent).toEqual([42]);
  });

  it('may be of any kind', async () => {
    await run_function('function (master) { return master.send_data(1); }');
    await run_function('async function named(master) { await master.send_data(2); }');
    await run_function('master => master.send_data(3)');
    expect(sent).toEqual([1, 2, 3]);
  });

  it('may contain functions that a transpiler has wrapped to keep their names', async () => {
    await run_function('(master) => { const f = __name(() => 5, "f"); return master.send_data(f()); }');
    expect(sent).toEqual([5]);
  });
});
