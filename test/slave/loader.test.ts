import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { type Callable, Loader } from '../../src/slave/loader.js';

const BASIC = new URL('../tasks/basic.js', import.meta.url).href;

class Doubler {
  readonly #n: number;
  constructor(n: number) {
    this.#n = n;
  }
  run(n: number): number {
    return n + this.#n;
  }
}

/** What `export_name` of a module with these exports becomes. */
async function load(exports: Record<string, unknown>, export_name: string): Promise<Callable> {
  const loader = new Loader(async () => exports);
  loader.define(0, { module: 'memory:x', export_name });
  await loader.load(0);
  return loader.loaded(0) as Callable;
}

describe('a Loader', () => {
  it('imports a module by its URL', async () => {
    const loader = new Loader();
    loader.define(3, { module: BASIC, export_name: 'square' });
    expect(loader.loaded(3)).toBeUndefined();
    await loader.load(3);
    expect(loader.loaded(3)?.([7])).toBe(49);
  });

  it('calls a function with the arguments', async () => {
    const call = await load({ add: (a: number, b: number) => a + b }, 'add');
    expect(call([1, 2])).toBe(3);
  });

  it('makes an object of a class, and calls its run, both with the arguments', async () => {
    const call = await load({ Doubler }, 'Doubler');
    expect(call([21])).toBe(42);
  });

  it('takes a class without run for a function, which fails as one', async () => {
    const call = await load({ Plain: class {} }, 'Plain');
    expect(() => call([])).toThrow("cannot be invoked without 'new'");
  });
});

describe('what cannot be loaded becomes the outcome of each task:', () => {
  it('a module that is not there', async () => {
    const loader = new Loader();
    loader.define(0, { module: new URL('nowhere.js', BASIC).href, export_name: 'f' });
    await loader.load(0);
    expect(() => loader.loaded(0)?.([])).toThrow(UsageError);
    expect(() => loader.loaded(0)?.([])).toThrow(/nowhere\.js cannot be loaded on the slave/);
  });

  it('a module that throws something that is no Error', async () => {
    const loader = new Loader(() => Promise.reject('no way'));
    loader.define(0, { module: 'memory:x', export_name: 'f' });
    await loader.load(0);
    expect(() => loader.loaded(0)?.([])).toThrow('cannot be loaded on the slave: no way');
  });

  it('an export that is not there, with the names of those that are', async () => {
    const call = await load({ a() {}, b() {}, c: 3 }, 'd');
    expect(() => call([])).toThrow("exports no function or class 'd'; it exports a, b");
  });

  it('an export that is no function', async () => {
    const call = await load({ c: 3 }, 'c');
    expect(() => call([])).toThrow("exports no function or class 'c'; it exports none at all");
  });

  it('a task that was never defined', async () => {
    const loader = new Loader();
    await loader.load(5);
    expect(() => loader.loaded(5)?.([])).toThrow('the task was never defined on this slave');
  });
});
