import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { StatusFileError } from '../../src/errors.js';
import type { TaskDefinition } from '../../src/master/definitions.js';
import { JobTask } from '../../src/master/queued_task.js';
import { RunRecord } from '../../src/master/run_record.js';
import { DEFAULT_POLICY } from '../../src/sched/records.js';
import { PayloadStore } from '../../src/wire/payload.js';
import { encode_value } from '../../src/wire/value.js';
import { unit_folder } from '../kit/fake_slave.js';

const POLICY = { ...DEFAULT_POLICY, timeout: 0, retry_if: undefined, cancel: () => false };
const definition: TaskDefinition = {
  fn_id: 0,
  module: 'file:///models/tasks.js',
  export_name: 'build',
  problem: undefined,
  check: undefined,
};

let file: string;
beforeEach(() => {
  file = join(unit_folder(), 'unit.status');
});

function open(restart: boolean, options: { main_script?: string; on_notice?: (text: string) => void } = {}) {
  const { main_script = 'main.js', on_notice = () => {} } = options;
  const record = new RunRecord({ file, jobname: 'unit', main_script, restart, fsync: 'never', on_notice });
  onTestFinished(() => record.close());
  return record;
}

function task(index: number, ...args: unknown[]): JobTask {
  const payload = new PayloadStore().store(encode_value(args, 'args'));
  return new JobTask(index, index, definition, payload, POLICY);
}

/** A record of a run that does `act` with a task of these arguments, and what the next run knows of it. */
function recalled_after(act: (record: RunRecord, task: JobTask) => void, ...args: unknown[]) {
  const [record, first] = [open(false), task(0, ...args)];
  record.recall(first);
  act(record, first);
  record.commit();
  record.close();
  return open(true).recall(task(0, ...args));
}

const DEATH = { slave: 'unit.slave0', host: 'here', reason: 'was ended by SIGKILL', signal: 'SIGKILL' };

describe('a task that is done', () => {
  it.each<[what: string, value: unknown]>([
    ['a number', 42],
    ['plain data', { a: [1, 'two', null, true] }],
    ['undefined', undefined],
    ['what JSON does not keep', new Map<unknown, unknown>([[1n, new Date(0)]])],
    ['-0', -0],
    ['bytes', new Uint8Array(40_000).fill(7)],
    ['the same object twice', twice({ n: 1 })],
  ])('has its result in the next run: %s', (_what, value) => {
    const recalled = recalled_after((record, done) => record.done(done, 'unit.slave0', 12.5, value));
    expect(recalled?.load?.()).toEqual({ value });
  });

  it('is another one with other arguments, and the next of the same is a second one', () => {
    const record = open(false);
    const first = task(0, 1);
    record.recall(first);
    record.done(first, 'unit.slave0', 1, 'one');
    record.commit();
    record.close();
    const next = open(true);
    expect(next.recall(task(0, 2))).toBeUndefined();
    expect(next.recall(task(1, 1))?.load?.()).toEqual({ value: 'one' });
    expect(next.recall(task(2, 1))).toBeUndefined();
  });

  it('is known by the key that the user gives', () => {
    const record = open(false);
    const keyed = Object.assign(task(0, 1), { key: 'first model' });
    record.recall(keyed);
    record.done(keyed, 'unit.slave0', 1, 'kept');
    record.commit();
    record.close();
    const other = Object.assign(task(5, 'other arguments'), { key: 'first model' });
    expect(open(true).recall(other)?.load?.()).toEqual({ value: 'kept' });
    expect(other.key).toBe('first model');
  });
});

function twice(value: object): unknown {
  const list = [value, value];
  return list;
}

describe('a task that has no result', () => {
  it('is nothing special when it was never begun', () => {
    expect(recalled_after(() => {})).toBeUndefined();
  });

  it('is run again when it failed, with all its attempts', () => {
    const recalled = recalled_after((record, failed) => {
      record.died(failed, 1, { why: 'died', ...DEATH });
      record.failed(failed, 'unit.slave0', new TypeError('no'));
    });
    expect(recalled).toMatchObject({ load: undefined, deaths: 0 });
  });

  it('is run again when it was cancelled', () => {
    const recalled = recalled_after((record, gone) => record.cancelled(gone, new Error('enough')));
    expect(recalled).toMatchObject({ load: undefined, deaths: 0 });
  });

  it('keeps the deaths for which it is to blame, and the number of its last run', () => {
    const recalled = recalled_after((record, unlucky) => {
      record.died(unlucky, 1, { why: 'died', ...DEATH });
      record.died(unlucky, 2, { why: 'lost', ...DEATH });
      record.died(unlucky, 3, { why: 'too_large', ...DEATH });
    });
    expect(recalled).toMatchObject({ load: undefined, deaths: 2, attempt: 3 });
  });

  it('keeps that it was begun, told once an attempt', () => {
    const recalled = recalled_after((record, begun) => {
      record.assigned(begun, 'unit.slave0');
      record.assigned(begun, 'unit.slave0');
      begun.attempt = 2;
      record.assigned(begun, 'unit.slave1');
    });
    expect(recalled).toMatchObject({ load: undefined, deaths: 0, attempt: 2 });
  });

  it('keeps its last checkpoint, whatever that is', () => {
    const recalled = recalled_after((record, begun) => {
      record.checkpoint(begun, { step: 1 });
      record.checkpoint(begun, new Map([['step', 2n]]));
    });
    expect(recalled?.checkpoint).toEqual(new Map([['step', 2n]]));
  });
});

describe('the file', () => {
  it('is that of one master at a time', () => {
    open(false);
    expect(() => open(true)).toThrow(
      expect.objectContaining({ code: 'PARJOB_ERR_STATUS_FILE', problem: 'locked' }),
    );
  });

  it('of another program is refused, and the error says what differs', () => {
    open(false).close();
    let error: StatusFileError | undefined;
    try {
      const record = open(true, { main_script: 'other.js' });
      record.check_functions([task(0)]);
    } catch (thrown) {
      error = thrown as StatusFileError;
    }
    expect(error).toMatchObject({ problem: 'other_program', file });
    expect(error?.message).toContain('main.js');
    expect(error?.message).toContain('other.js');
  });

  it('whose tasks this program does not know is refused', () => {
    const record = open(false);
    const known = task(0);
    record.recall(known);
    record.done(known, 'unit.slave0', 1, 1);
    record.commit();
    record.close();
    const next = open(true);
    next.check_functions([]);
    next.check_functions([task(0)]);
    const stranger = new JobTask(
      0,
      0,
      { ...definition, export_name: 'fold' },
      task(0).payload as never,
      POLICY,
    );
    expect(() => next.check_functions([stranger])).toThrow(/build[\s\S]*fold|fold[\s\S]*build/);
  });

  it('of a run that had not ended is moved aside by a run that does not go on with it', () => {
    const record = open(false);
    record.recall(task(0));
    record.done(task0_of(record), 'unit.slave0', 1, 1);
    record.commit();
    record.close();
    const notices: string[] = [];
    open(false, { on_notice: (text) => notices.push(text) });
    expect(notices).toHaveLength(1);
    expect(existsSync(file)).toBe(true);
  });
});

function task0_of(record: RunRecord): JobTask {
  const made = task(0, 'another');
  record.recall(made);
  return made;
}
