/**
 * The pulse: a slave's second thread, with a connection of its own.
 *
 * It says that the process lives, however long a task blocks the main thread; takes back tasks that
 * have not started; and ends the process when the master says so or is gone. It is started after the
 * handshake, loads little, and knows no task.
 */
import { workerData } from 'node:worker_threads';
import { Channel } from '../net/channel.js';
import { type Address, dial } from '../net/dial.js';
import {
  type PulseMessage,
  read_pulse_messages,
  type Vitals,
  write_pulse_message,
} from '../wire/pulse_messages.js';
import { Claims } from './claims.js';
import { end_process } from './end.js';

/** What the main thread hands to the pulse. */
export interface PulseData {
  addresses: Address[];
  secret: Uint8Array;
  slave_id: number;
  launch: number;
  max_frame_bytes: number;
  heartbeat_interval: number;
  claims: SharedArrayBuffer;
  /** One Int32 that the main thread raises with every turn of its event loop that it counts. */
  turns: SharedArrayBuffer;
  owns_group: boolean;
}

/** Time for the main thread to end the process in good order when told to stop, ms. */
const STOP_GRACE = 300;

async function beat(data: PulseData): Promise<void> {
  const claims = new Claims(data.claims);
  const { link, rest } = await dial(data.addresses, Buffer.from(data.secret), {
    slave_id: data.slave_id,
    launch: data.launch,
    role: 'pulse',
  });
  const post = (message: PulseMessage) => {
    write_pulse_message(channel.writer, message);
    channel.flush();
  };
  const on_frame = (bytes: Buffer, start: number, end: number) => {
    for (const message of read_pulse_messages(bytes, start, end)) {
      if (message.kind === 'take_back') {
        post({ kind: 'taken_back', from: claims.take_back(message.from, message.to), to: message.to });
      } else if (message.kind === 'stop') {
        setTimeout(() => end_process(data.owns_group), STOP_GRACE);
      }
    }
  };
  const channel = new Channel(link, data.max_frame_bytes, on_frame, rest);
  link.on_close = () => end_process(data.owns_group);
  const vitals = watch(new Int32Array(data.turns));
  setInterval(() => post({ kind: 'heartbeat', vitals: vitals() }), data.heartbeat_interval);
  post({ kind: 'heartbeat', vitals: vitals() });
}

function watch(turns: Int32Array): () => Vitals {
  let seen = -1;
  let turned_at = performance.now();
  return () => {
    const now = performance.now();
    const count = Atomics.load(turns, 0);
    if (count !== seen) {
      seen = count;
      turned_at = now;
    }
    const { user, system } = process.cpuUsage();
    return {
      rss: process.memoryUsage.rss(),
      cpu: Math.round((user + system) / 1000),
      stalled: Math.round(now - turned_at),
    };
  };
}

const data = workerData as PulseData;
beat(data).catch(() => end_process(data.owns_group));
