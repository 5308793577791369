/** Starts the module of a thread: a thread does not take over the loader of TypeScript from the one that starts it. */
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.module);
