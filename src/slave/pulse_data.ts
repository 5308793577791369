/** What the main thread of a slave and its pulse say to each other. */
import type { Address } from '../net/address.js';

/** What the main thread hands to the pulse. */
export interface PulseData {
  addresses: Address[];
  secret: Uint8Array;
  slave_id: number;
  launch: number;
  heartbeat_interval: number;
  kill_slave_memory: number;
  reconnect_timeout: number;
  lease: number;
  claims: SharedArrayBuffer;
  watch: SharedArrayBuffer;
  /** One Int32 that the main thread raises with every turn of its event loop that it counts. */
  turns: SharedArrayBuffer;
  owns_group: boolean;
  /** The order to end may come by stdin. */
  reads_stdin: boolean;
}

/** From the pulse to the main thread: the master is silent, so the connection must be made anew. */
export const BREAK_LINK = 'break_link';
/** From the main thread to the pulse: a task with a time limit has started. */
export const WATCH_TIME = 'watch_time';
