/** The way in of a slave's second thread: it dials the master, and becomes the pulse (pulse.ts). It loads little. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { end_process } from './end.js';
import { Pulse, pulse_identity } from './pulse.js';
import type { PulseData } from './pulse_data.js';
import { first_dial } from './redial.js';
import { watch_stdin } from './stdin.js';

const data = workerData as PulseData;
const end = () => end_process(data.owns_group);
if (data.reads_stdin) void watch_stdin(end);
first_dial(data.addresses, Buffer.from(data.secret), pulse_identity(data)).then(
  (dialled) => new Pulse(data, dialled, parentPort as MessagePort, end),
  end,
);
