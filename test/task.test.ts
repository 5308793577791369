import { describe, expect, it } from 'vitest';
import { type AnyTask, current_task, FunctionTask, set_current_task, Task, tasks_from } from '../src/task.js';
import { Square } from './tasks/task_classes.js';

describe('a task', () => {
  it('keeps the arguments of its constructor for run', () => {
    class Add extends Task<[a: number, b: number], number> {
      override run(a: number, b: number): number {
        return a + b;
      }
    }
    const task = new Add(1, 2);
    expect(task.args).toEqual([1, 2]);
    expect(task.run(...task.args)).toBe(3);
    expect(Task.module).toBeUndefined();
  });

  it('holds nothing else', () => {
    expect(Object.keys(new Square(3))).toEqual(['args']);
  });
});

describe('tasks_from', () => {
  const url = new URL('./tasks/basic.js', import.meta.url);

  it('makes tasks of the functions of a module, without loading it', () => {
    const { square } = tasks_from<{ square(n: number): number }>('file:///nowhere/at/all.js');
    const task = square(7) as AnyTask<number> & FunctionTask;
    expect(task).toBeInstanceOf(FunctionTask);
    expect(task).toMatchObject({
      name: { module: 'file:///nowhere/at/all.js', export_name: 'square' },
      args: [7],
    });
  });

  it('takes a URL', () => {
    const task: unknown = tasks_from<typeof import('./tasks/basic.js')>(url).square(1);
    expect((task as FunctionTask).name.module).toBe(url.href);
  });

  it('gives the same function each time', () => {
    const tasks = tasks_from<typeof import('./tasks/basic.js')>(url);
    expect(tasks.square).toBe(tasks.square);
    expect(tasks.square).not.toBe(tasks.echo);
  });

  it('gives what may be awaited and printed', async () => {
    const tasks = tasks_from<typeof import('./tasks/basic.js')>(url);
    expect(await Promise.resolve(tasks)).toBe(tasks);
    expect(`${Object.prototype.toString.call(tasks)}`).toBe('[object Object]');
  });
});

describe('current_task', () => {
  it('is what was set, for whichever copy of the file asks', async () => {
    const task = {
      index: 1,
      attempt: 2,
      slave: 'job.slave0',
      signal: new AbortController().signal,
      report_progress() {},
      checkpoint() {},
      last_checkpoint: undefined,
      trace_context: undefined,
    };
    set_current_task(task);
    try {
      expect(current_task()).toBe(task);
      // @ts-expect-error: to the compiler there is one file of that name, to the loader this is another
      const copy = (await import('../src/task.js?copy')) as typeof import('../src/task.js');
      expect(copy.current_task).not.toBe(current_task);
      expect(copy.current_task()).toBe(task);
    } finally {
      set_current_task(undefined);
    }
    expect(() => current_task()).toThrow('it only means something within run, on a slave');
  });
});
