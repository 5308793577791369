/** Says to the jobs, which do not know this room, how to load it. */
import { set_watch } from '../master/watching.js';
import type { WatchedJob } from './watched_job.js';

set_watch(async () => {
  const { watch } = await import('./watch.js');
  return (job, options) => watch(job as WatchedJob, options);
});
