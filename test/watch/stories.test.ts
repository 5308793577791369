import { describe, expect, it } from 'vitest';
import { RemoteError } from '../../src/errors.js';
import { error_entry, Stories, type StoryKind, value_text } from '../../src/watch/stories.js';

const entry = (kind: StoryKind, text: string) => ({ kind, at: 0, attempt: 1, text });

describe('Stories', () => {
  it('keeps what befell a task, in order, and of progress the last word', () => {
    const stories = new Stories(1e6);
    stories.add(3, entry('task_progress', '1 of 9'));
    stories.add(3, entry('task_progress', '2 of 9'));
    stories.add(3, entry('task_retried', 'died'));
    stories.add(3, entry('task_progress', '1 of 9'));
    expect(stories.get(3).map(({ text }) => text)).toEqual(['2 of 9', 'died', '1 of 9']);
    expect(stories.get(4)).toEqual([]);
  });

  it('forgets the oldest when it is full, however many come', () => {
    const stories = new Stories(10_000);
    for (let i = 0; i < 10_000; i++) stories.add(i, entry('task_failed', 'x'.repeat(800)));
    const kept = Array.from({ length: 10_000 }, (_, i) => i).filter((i) => stories.get(i).length > 0);
    expect(kept).toEqual([9990, 9991, 9992, 9993, 9994, 9995, 9996, 9997, 9998, 9999].slice(-kept.length));
    expect(kept.length).toBeGreaterThan(5);
  });

  it('keeps the beginning and the end of a long story', () => {
    const stories = new Stories(1e6);
    for (let i = 0; i < 1000; i++) stories.add(0, entry('task_checkpoint', String(i)));
    const texts = stories.get(0).map(({ text }) => text);
    expect(texts.length).toBe(64);
    expect([texts[0], texts[31], texts.at(-1)]).toEqual(['0', '31', '999']);
  });

  it('keeps nothing when it may not, nor of a run_task', () => {
    const [none, some] = [new Stories(0), new Stories(1e6)];
    none.add(0, entry('task_failed', 'a'));
    some.add(-1, entry('task_failed', 'a'));
    expect([none.is_on, none.get(0), some.get(-1)]).toEqual([false, [], []]);
  });

  it('shows the stack on the slave, not that of the master', () => {
    const thrown = Object.assign(new TypeError('no'), { stack: 'TypeError: no\n    at far away' });
    const { text, code, stack } = error_entry(new RemoteError(thrown, { slave: 's', what: 'task 1' }));
    expect([text, code, stack]).toEqual([
      'TypeError: no, from s in task 1',
      'PARJOB_ERR_REMOTE',
      'TypeError: no\n    at far away',
    ]);
  });

  it('cuts values and texts that are long', () => {
    expect(value_text('x'.repeat(1e6)).length).toBeLessThanOrEqual(400);
    expect(value_text({ a: [1, 2] })).toBe('{ a: [ 1, 2 ] }');
    expect(error_entry(new Error('y'.repeat(1e6))).text.length).toBeLessThan(20_000);
  });
});
