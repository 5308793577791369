import { describe, expect, it } from 'vitest';
import { Pipe } from '../../src/sections/pipe.js';

const bytes = (text: string) => Buffer.from(text);

async function text_of(pipe: Pipe): Promise<string> {
  let text = '';
  for await (const chunk of pipe) text += Buffer.from(chunk).toString();
  return text;
}

describe('a pipe', () => {
  it('gives what was put in, in order, and then ends', async () => {
    const pipe = new Pipe();
    const put = [pipe.push(bytes('a')), pipe.push(bytes('bc'))];
    pipe.end();
    expect(await text_of(pipe)).toBe('abc');
    await Promise.all(put);
    expect(pipe.size).toBe(3);
  });

  it('lets who puts in wait until it is done with', async () => {
    const pipe = new Pipe();
    const states: string[] = [];
    const put = pipe.push(bytes('a')).then(() => states.push('taken'));
    expect(await pipe.next()).toMatchObject({ done: false });
    states.push('read');
    const next = pipe.next();
    await put;
    expect(states).toEqual(['read', 'taken']);
    pipe.end();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('gives an error behind what was put in before it', async () => {
    const pipe = new Pipe();
    const put = pipe.push(bytes('a'));
    pipe.fail(new Error('the line is bad'));
    expect(await pipe.next()).toMatchObject({ done: false });
    await expect(pipe.next()).rejects.toThrow('the line is bad');
    await put;
    expect(await pipe.next()).toMatchObject({ done: true });
  });

  it('lets nobody wait for a reader who has gone away, even before the first byte', async () => {
    for (const has_begun of [false, true]) {
      const pipe = new Pipe();
      const put = [pipe.push(bytes('a')), pipe.push(bytes('b'))];
      if (has_begun) await pipe.next();
      await pipe.return();
      await Promise.all(put);
      await expect(pipe.push(bytes('c'))).rejects.toThrow('nobody reads this any more');
      expect(await pipe.next()).toMatchObject({ done: true });
    }
  });
});
