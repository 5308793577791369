import { describe, expect, it } from 'vitest';
import { Definitions } from '../../src/master/definitions.js';
import { type AnyTask, Task, tasks_from } from '../../src/task.js';
import { rejection } from '../kit/fake_slave.js';
import { make_not_exported, Square } from '../tasks/task_classes.js';

const BASIC = new URL('../tasks/basic.js', import.meta.url);
const CLASSES = new URL('../tasks/task_classes.js', import.meta.url);

/** A call of a function that need not be there. */
function call(module: string | URL, name = 'square'): AnyTask {
  const make = (tasks_from<Record<string, () => unknown>>(module) as Record<string, () => AnyTask>)[name];
  return (make as () => AnyTask)();
}

describe('the definition of a function', () => {
  it('is its module and its name', () => {
    expect(new Definitions().of(call(BASIC))).toMatchObject({
      fn_id: 0,
      module: BASIC.href,
      export_name: 'square',
      problem: undefined,
      check: undefined,
    });
  });

  it('is the same for all calls, and another for another function or module', () => {
    const definitions = new Definitions();
    const square = definitions.of(call(BASIC));
    expect(definitions.of(call(BASIC))).toBe(square);
    expect(definitions.of(call(BASIC, 'echo')).fn_id).toBe(1);
    expect(definitions.of(call(CLASSES)).fn_id).toBe(2);
  });

  it('may be in a package or elsewhere, which only slaves can see', () => {
    expect(new Definitions().of(call('node:path', 'join')).module).toBe('node:path');
  });

  it('must be in a module that is a URL', () => {
    expect(() => new Definitions().of(call('./tasks.js'))).toThrow(
      "tasks_from of the function square must be a URL, got './tasks.js': use import.meta.url",
    );
  });

  it('must be in a module that is there', () => {
    expect(() => new Definitions().of(call(new URL('nowhere.js', BASIC)))).toThrow(
      /^the module \/.*nowhere\.js of the function square does not exist$/,
    );
  });

  it('must not be in the main script, which a slave would run again', () => {
    const argv = process.argv[1];
    process.argv[1] = BASIC.pathname;
    try {
      expect(() => new Definitions().of(call(BASIC))).toThrow(
        /^the function square stands in the main script .*basic\.js, and a slave that imports it would run/,
      );
    } finally {
      process.argv[1] = argv as string;
    }
  });
});

describe('the definition of a class', () => {
  it('is its static module and its name, and is checked', async () => {
    const definitions = new Definitions();
    const definition = definitions.of(new Square(3));
    expect(definition).toMatchObject({ module: CLASSES.href, export_name: 'Square' });
    expect(definition.check).toBeInstanceOf(Promise);
    await definitions.check_all();
    expect(definition).toMatchObject({ check: undefined, problem: undefined });
    expect(definitions.of(new Square(4))).toBe(definition);
  });

  it('may give its module as a URL', () => {
    class Local extends Task<[], number> {
      static override module = BASIC;
      override run(): number {
        return 1;
      }
    }
    expect(new Definitions().of(new Local()).module).toBe(BASIC.href);
  });

  it('must have a module, and one of its own', () => {
    class Bare extends Task<[], number> {
      override run(): number {
        return 1;
      }
    }
    class Heir extends Square {}
    const has_none = 'has no static module of its own: add "static override module = import.meta.url;"';
    expect(() => new Definitions().of(new Bare())).toThrow(`class Bare ${has_none}`);
    expect(() => new Definitions().of(new Heir(1))).toThrow(`class Heir ${has_none}`);
    expect(() => new Definitions().of(new (class extends Square {})(1))).toThrow('class (anonymous) has no');
  });

  it('must have a method run', () => {
    class Idle extends (Task as unknown as new (...args: unknown[]) => object) {
      static module = CLASSES.href;
    }
    expect(() => new Definitions().of(new Idle() as never)).toThrow('class Idle has no method run');
  });

  it('must have a name', () => {
    const make = () =>
      new (class extends Square {
        static override module = CLASSES.href;
      })(1);
    expect(() => new Definitions().of(make())).toThrow('a task class needs a name');
  });

  it('must have a module that is a URL of a file that is there', () => {
    class Relative extends Square {
      static override module = './relative.js';
    }
    class Lost extends Square {
      static override module = new URL('nowhere.js', BASIC).href;
    }
    expect(() => new Definitions().of(new Relative(1))).toThrow(
      'static module of class Relative must be a URL',
    );
    expect(() => new Definitions().of(new Lost(1))).toThrow('nowhere.js of class Lost does not exist');
  });

  it('must be exported under its name', async () => {
    const definitions = new Definitions();
    definitions.of(make_not_exported());
    const { message } = await rejection(definitions.check_all());
    expect(message).toMatch(
      /^class NotExported is not exported under its name by file:.*task_classes\.js, which exports .*Square.*: write "export class NotExported \.\.\."$/,
    );
  });

  it('must be in a module that can be imported', async () => {
    class Broken extends Square {
      static override module = new URL('../tasks/broken_module.js', import.meta.url).href;
    }
    const definitions = new Definitions();
    definitions.of(new Broken(1));
    const error = await rejection(definitions.check_all());
    expect(error.message).toContain('of class Broken cannot be imported: this module is broken');
    expect(error.cause).toMatchObject({ message: 'this module is broken' });
  });
});

it.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [7, '7'],
  ['square(7)', "'square(7)'"],
  [{}, '{}'],
  [{ run() {} }, '{ run: [Function: run] }'],
  [() => 1, '[Function (anonymous)]'],
])('%s is no task', (value, shown) => {
  expect(() => new Definitions().of(value as never)).toThrow(
    `expected a task, got ${shown}: make one with new MyTask(...)`,
  );
});
