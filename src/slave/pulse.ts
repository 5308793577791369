/**
 * The pulse: a slave's second thread, with a connection of its own.
 *
 * It says that the process lives, however long a task blocks the main thread; takes back tasks that
 * have not started; and ends the process, with all that its tasks have started, when the master says so or
 * is gone, when a task has taken too long, or when the process has grown too large. It is started after
 * the handshake by pulse_thread.ts, loads little, and knows no task.
 */
import type { MessagePort } from 'node:worker_threads';
import { Channel } from '../net/channel.js';
import type { Dialled } from '../net/dial.js';
import type { Identity } from '../wire/hello.js';
import {
  type KillReason,
  MAX_PULSE_FRAME_BYTES,
  type PulseMessage,
  read_pulse_messages,
  write_pulse_message,
} from '../wire/pulse_messages.js';
import { Claims } from './claims.js';
import { Gauge } from './gauge.js';
import { BREAK_LINK, type PulseData, WATCH_TIME } from './pulse_data.js';
import { LONGER_THAN_MASTER, Redialler } from './redial.js';
import { monotonic_ms, Watch } from './watch.js';

/** Time for the main thread to end the process in good order when told to stop, ms. */
const STOP_GRACE = 300;
/** How often time limits and memory are looked at, ms. */
const LOOK_EVERY = 100;
/** Time for the last words to leave, ms. */
const LAST_WORDS_TIME = 50;
/** Changes of the round trip that the master need not know, ms. */
const ROUND_TRIP_STEP = 3;
/** A master that has said nothing for so many heartbeats cannot be heard. */
const SILENT_BEATS = 3;

/** Who dials when a pulse does. */
export function pulse_identity({ slave_id, launch }: PulseData): Identity {
  return { slave_id, launch, role: 'pulse', is_resuming: false };
}

export class Pulse {
  readonly #data: PulseData;
  readonly #main_thread: MessagePort;
  readonly #end: () => void;
  readonly #claims: Claims;
  readonly #watch: Watch;
  readonly #gauge: Gauge;
  readonly #channel: Channel;
  readonly #redialler: Redialler;
  #unanswered = 0;
  /** When the heartbeat was sent of which the answer is due, and the time that the last answer took, as the master knows it. */
  #asked_at: number | undefined;
  #round_trip: number | undefined;
  #watches_time = false;
  #is_ending = false;
  #looking: NodeJS.Timeout | undefined;

  /** `end` ends the process, with all that its tasks have started. */
  constructor(data: PulseData, { link, rest, address }: Dialled, main_thread: MessagePort, end: () => void) {
    this.#data = data;
    this.#main_thread = main_thread;
    this.#end = end;
    this.#claims = new Claims(data.claims);
    this.#watch = new Watch(data.watch);
    this.#gauge = new Gauge(data.turns);
    const patience = {
      timeout: data.reconnect_timeout + LONGER_THAN_MASTER,
      lease: data.lease,
      is_busy: () => this.#watch.running_seq !== undefined,
      on_dead: () => {},
    };
    const secret = Buffer.from(data.secret);
    this.#redialler = new Redialler(data.addresses, secret, pulse_identity(data), patience, address);
    const on_frame = (bytes: Buffer, start: number, end: number) => {
      this.#unanswered = 0;
      this.#redialler.reset();
      for (const message of read_pulse_messages(bytes, start, end)) this.#on_message(message);
    };
    this.#channel = new Channel(
      link,
      { max_frame_bytes: MAX_PULSE_FRAME_BYTES, on_frame, is_resumable: false },
      rest,
    );
    this.#channel.on_close = () => void this.#reconnect();
    setInterval(() => this.#beat(), data.heartbeat_interval);
    this.#beat();
    if (data.kill_slave_memory < Infinity) this.#look_often();
    this.#main_thread.on('message', (message) => {
      if (message !== WATCH_TIME) return;
      this.#watches_time = true;
      this.#look_often();
    });
  }

  #post(message: PulseMessage): void {
    write_pulse_message(this.#channel.writer, message);
    this.#channel.flush();
  }

  #beat(): void {
    this.#asked_at ??= performance.now();
    this.#post({ kind: 'heartbeat', vitals: this.#gauge.read() });
    this.#unanswered++;
    if (this.#unanswered <= SILENT_BEATS || this.#channel.is_suspended) return;
    // half open: what is sent arrives nowhere, and nobody says so
    this.#main_thread.postMessage(BREAK_LINK);
    this.#channel.suspend();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    try {
      const { link, rest } = await this.#redialler.reach();
      this.#unanswered = 0;
      this.#asked_at = undefined;
      this.#channel.resume(link, rest);
      this.#beat();
    } catch {
      this.#end();
    }
  }

  #on_message(message: PulseMessage): void {
    switch (message.kind) {
      case 'take_back': {
        const from = this.#claims.take_back(message.from, message.to);
        return this.#post({ kind: 'taken_back', from, to: message.to });
      }
      case 'kill':
        if (this.#watch.is_running(message.seq)) this.#kill('cancelled');
        return;
      case 'alive':
        return this.#on_answer();
      case 'stop':
        setTimeout(this.#end, STOP_GRACE);
        return;
      default:
    }
  }

  #on_answer(): void {
    if (this.#asked_at === undefined) return;
    const ms = Math.round(performance.now() - this.#asked_at);
    this.#asked_at = undefined;
    const known = this.#round_trip;
    if (known !== undefined && Math.abs(ms - known) <= Math.max(ROUND_TRIP_STEP, known / 2)) return;
    this.#round_trip = ms;
    this.#post({ kind: 'round_trip', ms });
  }

  #look_often(): void {
    this.#looking ??= setInterval(() => this.#look(), LOOK_EVERY);
  }

  #look(): void {
    if (this.#watches_time && this.#watch.is_over(monotonic_ms())) this.#kill('timed_out');
    else if (this.#gauge.rss > this.#data.kill_slave_memory) this.#kill('too_large');
  }

  /** Ends the process. The master is told why first. */
  #kill(why: KillReason): void {
    if (this.#is_ending) return;
    this.#is_ending = true;
    this.#post({ kind: 'heartbeat', vitals: this.#gauge.read() });
    this.#post({ kind: 'killed', seq: this.#watch.running_seq, why });
    if (this.#channel.link.unsent_bytes === 0) this.#end();
    else setTimeout(this.#end, LAST_WORDS_TIME);
  }
}
