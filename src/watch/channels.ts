/**
 * Channels: the events of a job on node:diagnostics_channel, for monitors that do not hold the Job. The channel
 * of an event is `parjob:` and its name; the message is what a listener of the job gets. NAMES.md lists them.
 */
import { channel } from 'node:diagnostics_channel';
import { EVENT_NAMES, type JobEvent, type JobEvents } from '../master/events.js';
import type { RunModel } from './run_model.js';
import { Subscriptions } from './watched_job.js';

export function channel_name(event: JobEvent): string {
  return `parjob:${event}`;
}

/**
 * Publishes what happens in the job of `model` until the returned function is called. `task_done`, which comes
 * most often, is only listened to while its channel has subscribers: one that comes during a run gets it from
 * the next look on, a quarter of a second later at most.
 */
export function publish_events(model: Pick<RunModel, 'job' | 'on_look'>): () => void {
  const { job } = model;
  const subscriptions = new Subscriptions(job);
  for (const event of EVENT_NAMES) {
    if (event === 'task_done') continue;
    const published = channel(channel_name(event));
    subscriptions.on(event, (message) => {
      if (published.hasSubscribers) published.publish(message);
    });
  }
  const done = channel(channel_name('task_done'));
  const publish_done = (message: JobEvents['task_done']) => done.publish(message);
  let [is_listening, is_closed] = [false, false];
  const look = () => {
    const is_wanted = done.hasSubscribers && !is_closed;
    if (is_wanted === is_listening) return;
    is_listening = is_wanted;
    if (is_wanted) job.on('task_done', publish_done);
    else job.off('task_done', publish_done);
  };
  model.on_look(look);
  look();
  return () => {
    is_closed = true;
    look();
    subscriptions.close();
  };
}
