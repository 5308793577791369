import { describe, expect, it } from 'vitest';
import { Sources, type TaskIterable } from '../../src/master/sources.js';
import { type AnyTask, tasks_from } from '../../src/task.js';
import { turn, wait_until } from '../kit/wait_until.js';

const { square } = tasks_from<typeof import('../tasks/basic.js')>(
  new URL('../tasks/basic.js', import.meta.url),
);

/** Sources, and what they do; `room` is how many more tasks are wanted. */
class SourcesBench {
  room = 0;
  readonly queued: unknown[] = [];
  opened = 0;
  closed = 0;
  readonly errors: Error[] = [];
  readonly sources = new Sources<number>({
    wants_more: () => this.room > 0,
    queue: (task) => {
      this.room--;
      this.queued.push(task.args[0]);
      // as when the driver, told of the task, looks for more at once
      this.sources.pull();
    },
    on_opened: () => this.opened++,
    on_closed: () => this.closed++,
    on_error: (error) => this.errors.push(error),
  });

  constructor(...sources: TaskIterable<number>[]) {
    for (const source of sources) this.sources.add(source);
  }
}

function* squares(from: number, until: number): Generator<AnyTask<number>> {
  for (let i = from; i < until; i++) yield square(i);
}

async function* slow_squares(from: number, until: number): AsyncGenerator<AnyTask<number>> {
  for (let i = from; i < until; i++) {
    await turn();
    yield square(i);
  }
}

describe('Sources', () => {
  it('give as many tasks as are wanted, and no more', () => {
    const bench = new SourcesBench(squares(0, 10));
    bench.sources.pull();
    expect(bench.queued).toEqual([]);
    bench.room = 3;
    bench.sources.pull();
    expect(bench.queued).toEqual([0, 1, 2]);
    expect(bench.sources.are_open).toBe(true);
    bench.room = 100;
    bench.sources.pull();
    expect(bench.queued.length).toBe(10);
    expect(bench.sources.are_open).toBe(false);
    expect([bench.opened, bench.closed]).toEqual([1, 1]);
  });

  it('give the tasks of one after those of another', () => {
    const bench = new SourcesBench(squares(0, 2), squares(5, 7));
    bench.room = 100;
    bench.sources.pull();
    expect(bench.queued).toEqual([0, 1, 5, 6]);
    expect([bench.opened, bench.closed]).toEqual([2, 2]);
  });

  it('that are async are asked for one task at a time', async () => {
    let asked = 0;
    const answers: ((step: IteratorResult<AnyTask<number>>) => void)[] = [];
    const source: AsyncIterable<AnyTask<number>> = {
      [Symbol.asyncIterator]: () => ({
        next() {
          asked++;
          return new Promise((resolve) => answers.push(resolve));
        },
      }),
    };
    const bench = new SourcesBench(source);
    bench.room = 2;
    bench.sources.pull();
    bench.sources.pull();
    expect(asked).toBe(1);
    answers[0]?.({ done: false, value: square(1) });
    await wait_until(() => asked === 2, 'the second question');
    answers[1]?.({ done: false, value: square(2) });
    await wait_until(() => bench.queued.length === 2, 'the second task');
    await turn();
    expect(asked).toBe(2);
    expect(bench.queued).toEqual([1, 2]);
  });

  it('of both kinds keep their order', async () => {
    const bench = new SourcesBench(slow_squares(0, 3), squares(3, 5), slow_squares(5, 7));
    bench.room = 100;
    bench.sources.pull();
    await wait_until(() => !bench.sources.are_open, 'the last task');
    expect(bench.queued).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(bench.errors).toEqual([]);
  });

  it('that fail are closed, and the next goes on', async () => {
    const failing = (async function* () {
      yield square(1);
      throw new Error('disk full');
    })();
    const bench = new SourcesBench(failing, squares(5, 6));
    bench.room = 100;
    bench.sources.pull();
    await wait_until(() => !bench.sources.are_open, 'the end');
    expect(bench.queued).toEqual([1, 5]);
    expect(bench.errors.map(({ message }) => message)).toEqual([
      'queue_tasks: after 1 tasks the iterable failed: disk full',
    ]);
    expect(bench.closed).toBe(2);
  });

  it('whose iterator cannot be had are refused', () => {
    const bench = new SourcesBench();
    expect(() => bench.sources.add(3 as never)).toThrow(
      'expected an iterable or async iterable of tasks, got 3',
    );
    expect(() => bench.sources.add(null as never)).toThrow('got null');
    expect(bench.opened).toBe(0);
  });
});
