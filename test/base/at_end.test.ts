/** Each case is a program of its own: its end is what is looked at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const AT_END = new URL('../../src/base/at_end.ts', import.meta.url);

interface End {
  code: number | null;
  signal: string | null;
  printed: string[];
}

/** Runs `body`, in which `at_end` and `print` are known; sends `signal` when it prints `ready`. */
async function run(body: string, signal?: NodeJS.Signals): Promise<End> {
  const program = `
    import { writeSync } from 'node:fs';
    import { at_end } from ${JSON.stringify(AT_END.href)};
    const print = (text) => writeSync(1, text + '\\n');
    const wait = () => { setInterval(() => {}, 1000); print('ready'); };
    ${body}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: new URL('../..', import.meta.url),
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    if (signal !== undefined && more.includes('ready')) child.kill(signal);
  });
  const [code, ended_by] = (await once(child, 'close')) as [number | null, string | null];
  const printed = text.split('\n').filter((line) => line !== '' && line !== 'ready');
  return { code, signal: ended_by, printed };
}

const BOTH = "at_end(() => print('one')); at_end(() => print('two'));";

describe('what is to be done at the end of a process', () => {
  it('is done when it ends by itself', async () => {
    expect(await run(BOTH)).toEqual({ code: 0, signal: null, printed: ['one', 'two'] });
  });

  it('is done at process.exit, and at an error that nobody caught', async () => {
    expect(await run(`${BOTH} process.exit(3);`)).toEqual({ code: 3, signal: null, printed: ['one', 'two'] });
    const thrown = await run(`${BOTH} setImmediate(() => { throw new Error('oh'); });`);
    expect(thrown).toEqual({ code: 1, signal: null, printed: ['one', 'two'] });
    const rejected = await run(`${BOTH} Promise.reject(new Error('oh'));`);
    expect(rejected).toEqual({ code: 1, signal: null, printed: ['one', 'two'] });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('is done at %s, which ends it still', async (signal) => {
    expect(await run(`${BOTH} wait();`, signal)).toEqual({ code: null, signal, printed: ['one', 'two'] });
  });

  it('is left to a program that handles the signal itself, until that ends', async () => {
    const own = `${BOTH} process.once('SIGINT', () => { print('own'); setTimeout(() => process.exit(7), 20); }); wait();`;
    expect(await run(own, 'SIGINT')).toEqual({ code: 7, signal: null, printed: ['own', 'one', 'two'] });
  });

  it('is not done when it was taken back, and the signal does what it does', async () => {
    const taken_back = `at_end(() => print('one'))(); const off = at_end(() => print('two')); off(); off(); wait();`;
    expect(await run(taken_back, 'SIGTERM')).toEqual({ code: null, signal: 'SIGTERM', printed: [] });
  });

  it('is done though some of it throws', async () => {
    const { printed, signal } = await run(
      "at_end(() => { throw new Error('oh'); }); at_end(() => print('two')); wait();",
      'SIGINT',
    );
    expect({ printed, signal }).toEqual({ printed: ['two'], signal: 'SIGINT' });
  });

  it('is done once', async () => {
    const again = `let n = 0; at_end(() => { print('done ' + ++n); process.exit(4); }); process.exit(3);`;
    expect((await run(again)).printed).toEqual(['done 1']);
  });

  it('is done while execa runs a command, which has a listener of its own', async () => {
    const body = `
      const { execa } = await import('execa');
      at_end(() => print('one'));
      execa('sleep', ['60'], { reject: false });
      wait();`;
    expect(await run(body, 'SIGINT')).toEqual({ code: null, signal: 'SIGINT', printed: ['one'] });
  });
});
