import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EVENT_NAMES } from '../../src/master/events.js';
import { channel_name, publish_events } from '../../src/watch/channels.js';
import { fake_run } from './fake_job.js';

it('publishes what the job tells, while somebody listens', () => {
  const { clock, job, model } = fake_run();
  const close = publish_events(model);
  const heard: unknown[] = [];
  const listener = (message: unknown, name: string | symbol) => heard.push([name, message]);
  const without = job.emitter.listenerCount('task_done');
  subscribe('parjob:slave_connected', listener);
  subscribe('parjob:task_done', listener);
  clock.pass(250);
  job.connect(1);
  job.done(0, 1, 5);
  expect(heard).toMatchObject([
    ['parjob:slave_connected', { slave: { name: 'fake.slave1' } }],
    ['parjob:task_done', { run_ms: 5 }],
  ]);
  unsubscribe('parjob:task_done', listener);
  clock.pass(250);
  expect(job.emitter.listenerCount('task_done')).toBe(without);
  close();
  job.connect(0);
  expect(heard.length).toBe(2);
  unsubscribe('parjob:slave_connected', listener);
});

it('has a channel for each event, and NAMES.md names them all', () => {
  const page = readFileSync(new URL('../../src/watch/NAMES.md', import.meta.url), 'utf8');
  const named = new Set([...page.matchAll(/`(parjob:\w+)`/g)].map(([, name]) => name));
  expect([...named].toSorted()).toEqual(EVENT_NAMES.map(channel_name).toSorted());
});
