import { describe, expect, it } from 'vitest';
import { TaskRecord } from '../../src/sched/records.js';
import { TaskQueues } from '../../src/sched/task_queues.js';

let next_id = 0;

function queued(): TaskRecord {
  return new TaskRecord(next_id, next_id++, 10);
}

function urgent(): TaskRecord {
  return new TaskRecord(next_id++, undefined, 10);
}

function suspect(task: TaskRecord): TaskRecord {
  task.have_trouble().is_suspect = true;
  return task;
}

function queues_of(...tasks: TaskRecord[]): TaskQueues<TaskRecord> {
  const queues = new TaskQueues<TaskRecord>();
  queues.is_open = true;
  for (const task of tasks) queues.push(task);
  return queues;
}

const anyone = () => true;

describe('the tasks that wait', () => {
  it('get their turn urgent ones first, and each kind in its order', () => {
    const [a, b, c, d] = [queued(), urgent(), queued(), urgent()];
    const queues = queues_of(a, b, c, d);
    expect([1, 2, 3, 4, 5].map(() => queues.shift_plain())).toEqual([b, d, a, c, undefined]);
    queues.check();
  });

  it('give out suspects only to who asks for one, urgent ones first', () => {
    const [a, b, c] = [suspect(queued()), suspect(urgent()), queued()];
    const queues = queues_of(a, b, c);
    expect(queues.shift_plain()).toBe(c);
    expect(queues.have_plain).toBe(false);
    expect(queues.have_task).toBe(true);
    expect([queues.shift_suspect(anyone), queues.shift_suspect(anyone)]).toEqual([b, a]);
    expect(queues.shift_suspect(anyone)).toBeUndefined();
    queues.check();
  });

  it('of a closed queue stay where they are; urgent ones do not', () => {
    const [a, b, c, d] = [queued(), suspect(queued()), urgent(), suspect(urgent())];
    const queues = queues_of(a, b, c, d);
    queues.is_open = false;
    expect(queues).toMatchObject({ waiting: 4, moving: 2, have_plain: true, have_suspect: true });
    expect([queues.shift_plain(), queues.shift_suspect(anyone)]).toEqual([c, d]);
    expect([queues.shift_plain(), queues.shift_suspect(anyone)]).toEqual([undefined, undefined]);
    expect(queues).toMatchObject({ waiting: 2, moving: 0, have_task: false });
    queues.is_open = true;
    expect(queues).toMatchObject({ moving: 2, have_task: true });
  });

  it('say whether one of their suspects may go somewhere', () => {
    const [a, b] = [suspect(queued()), suspect(urgent())];
    const queues = queues_of(a, b);
    expect(queues.has_suspect((task) => task === a)).toBe(true);
    expect(queues.has_suspect((task) => task === b)).toBe(true);
    expect(queues.has_suspect(() => false)).toBe(false);
    queues.is_open = false;
    expect(queues.has_suspect((task) => task === a)).toBe(false);
  });

  it('have those that have been there before at the head', () => {
    const [a, b] = [queued(), queued()];
    const queues = queues_of(a);
    b.state = 'assigned';
    queues.push_back(b);
    expect(b.state).toBe('queued');
    expect(queues.shift_plain()).toBe(b);
  });
});

describe('a task that waits for its time', () => {
  it('is not given out before, and at the head of its queue then', () => {
    const [a, b] = [queued(), queued()];
    const queues = queues_of(b);
    queues.delay(a, 50);
    expect(queues).toMatchObject({ waiting: 1, delayed: 1, due_at: 50, bytes: 20 });
    queues.release_due(49);
    expect(queues.delayed).toBe(1);
    queues.release_due(50);
    expect(queues).toMatchObject({ waiting: 2, delayed: 0, due_at: Infinity, bytes: 20 });
    expect(queues.shift_plain()).toBe(a);
    queues.check();
  });

  it('goes to the suspects if it is one', () => {
    const a = suspect(queued());
    const queues = queues_of();
    queues.delay(a, 5);
    queues.release_due(5);
    expect(queues.shift_suspect(anyone)).toBe(a);
  });

  it('does not come back when it was cancelled', () => {
    const a = queued();
    const queues = queues_of();
    queues.delay(a, 5);
    queues.cancel(a);
    expect(queues).toMatchObject({ delayed: 0, bytes: 0 });
    expect([...queues]).toEqual([]);
    queues.check();
    queues.release_due(5);
    expect(queues).toMatchObject({ waiting: 0, delayed: 0, bytes: 0 });
    queues.check();
  });
});

describe('a task that is cancelled', () => {
  it('counts no more, and is given to nobody', () => {
    const tasks = [queued(), urgent(), suspect(queued()), suspect(urgent())];
    const queues = queues_of(...tasks);
    for (const task of tasks) queues.cancel(task);
    expect(queues).toMatchObject({ waiting: 0, moving: 0, bytes: 0, have_task: false });
    expect([queues.shift_plain(), queues.shift_suspect(anyone)]).toEqual([undefined, undefined]);
    queues.check();
  });
});

it('lists what waits, and what of it is urgent', () => {
  const [a, b, c, d] = [queued(), urgent(), suspect(urgent()), urgent()];
  const queues = queues_of(a, b, c);
  queues.delay(d, 9);
  expect(new Set(queues)).toEqual(new Set([a, b, c, d]));
  expect(new Set(queues.urgent())).toEqual(new Set([b, c, d]));
  queues.cancel(b);
  expect(new Set(queues.urgent())).toEqual(new Set([c, d]));
});
