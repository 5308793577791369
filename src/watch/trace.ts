/**
 * Trace: the run as a file of Chrome's trace events, which ui.perfetto.dev and chrome://tracing show: a row for
 * each slave, a slice for each task, counters for the queue.
 *
 * It is the array form of JSON, written as the run goes. A reader accepts it without the closing bracket, so
 * that of a crashed run too. A run of very short tasks is not written one by one: such tasks of a slave that
 * end within 100 ms become one slice that says how many they are.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { RunModel } from './run_model.js';
import { NO_SLAVE, OUTCOMES, type TaskBatch } from './task_feed.js';
import { Subscriptions } from './watched_job.js';

/** Tasks shorter than this may be put together, ms. */
const SHORT = 5;
/** And are, when there are more of them in a batch. */
const MANY = 64;
/** A disk that is behind by so much is not given more. */
const MOST_BUFFERED = 64 * 2 ** 20;
const PROCESS = 1;

export class Trace {
  readonly file: string;
  readonly #model: RunModel;
  readonly #stream: WriteStream;
  readonly #subscriptions: Subscriptions;
  readonly #named = new Map<number, string>();
  #error: Error | undefined;
  #has_any = false;
  #left_out = 0;
  #is_closed = false;

  /** Writes to `file`, in the place of what was there. What fails then is in `error`. */
  constructor(model: RunModel, file: string, jobname: string) {
    this.file = file;
    this.#model = model;
    this.#stream = createWriteStream(file);
    this.#stream.on('error', (error) => {
      this.#error ??= error;
    });
    this.#write({ name: 'process_name', ph: 'M', pid: PROCESS, tid: 0, args: { name: jobname } });
    this.#write({
      name: 'parjob_start',
      ph: 'i',
      s: 'g',
      ts: 0,
      pid: PROCESS,
      tid: 0,
      args: { time: new Date(model.epoch + model.started_at).toISOString() },
    });
    model.feed.add((batch) => this.#take(batch));
    model.on_look(() => this.#look());
    this.#subscriptions = new Subscriptions(model.job);
    this.#listen();
  }

  /** Why the file could not be written, if it could not. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Events that were left out because the disk was behind. */
  get left_out(): number {
    return this.#left_out;
  }

  /** Resolves when the file is whole. */
  async close(): Promise<void> {
    if (this.#is_closed) return;
    this.#model.feed.flush();
    this.#subscriptions.close();
    if (this.#left_out > 0)
      this.#write({
        name: 'parjob_left_out',
        ph: 'i',
        s: 'g',
        ts: this.#now(),
        pid: PROCESS,
        tid: 0,
        args: { events: this.#left_out },
      });
    this.#is_closed = true;
    if (this.#stream.closed) return;
    await new Promise<void>((resolve) => {
      this.#stream.once('close', resolve);
      this.#stream.end('\n]\n');
    });
  }

  #listen(): void {
    const instant = (name: string, slave_id: number, args: object) =>
      this.#write({ name, ph: 'i', s: 't', ts: this.#now(), pid: PROCESS, tid: this.#row(slave_id), args });
    const { feed } = this.#model;
    this.#subscriptions.on('slave_lost', ({ slave, error, why }) =>
      instant('slave_lost', feed.slave_id(slave), { why, message: error.message }),
    );
    this.#subscriptions.on('slave_connected', ({ slave }) =>
      instant('slave_connected', feed.slave_id(slave), {}),
    );
    this.#subscriptions.on('slave_stopped', ({ slave, reason }) =>
      instant('slave_stopped', feed.slave_id(slave), { reason }),
    );
    this.#subscriptions.on('task_retried', ({ task, slave, error }) =>
      instant('task_retried', feed.slave_id(slave), { index: task.index, message: error.message }),
    );
  }

  #take(batch: TaskBatch): void {
    if (this.#is_closed) return;
    const crowded = crowded_slaves(batch);
    if (crowded.size === 0) {
      for (let i = 0; i < batch.length; i++) if (batch.slaves[i] !== NO_SLAVE) this.#write_task(batch, i);
      return;
    }
    const heaps = new Map<number, Heap>();
    let heap: Heap | undefined;
    let [last, is_crowded] = [NO_SLAVE, false];
    for (let i = 0; i < batch.length; i++) {
      const slave = batch.slaves[i] as number;
      if (slave === NO_SLAVE) continue;
      if (slave !== last) {
        last = slave;
        is_crowded = crowded.has(slave);
      }
      if (!is_crowded || !is_short(batch, i)) {
        this.#write_task(batch, i);
        continue;
      }
      const start = batch.starts[i] as number;
      const time = batch.run_ms[i] as number;
      if (heap?.slave !== slave) {
        heap = heaps.get(slave) ?? {
          slave,
          start,
          end: start,
          count: 0,
          busy: 0,
          name: batch.names[i] as number,
        };
        heaps.set(slave, heap);
      }
      heap.end = start + time;
      heap.count++;
      heap.busy += time;
    }
    for (const { slave, start, end, count, busy, name } of heaps.values()) {
      this.#write({
        name: `${count} x ${this.#model.feed.names.name_of(name)}`,
        cat: 'tasks',
        ph: 'X',
        ts: this.#us(start),
        dur: Math.round((end - start) * 1000),
        pid: PROCESS,
        tid: this.#row(slave),
        args: { tasks: count, busy_ms: Math.round(busy * 1000) / 1000 },
      });
    }
  }

  #write_task(batch: TaskBatch, i: number): void {
    this.#write({
      name: this.#model.feed.names.name_of(batch.names[i] as number),
      cat: OUTCOMES[batch.outcomes[i] as number],
      ph: 'X',
      ts: this.#us(batch.starts[i] as number),
      dur: Math.round((batch.run_ms[i] as number) * 1000),
      pid: PROCESS,
      tid: this.#row(batch.slaves[i] as number),
      args: { index: batch.indices[i], attempt: batch.attempts[i] },
    });
  }

  #look(): void {
    const { waiting, running } = this.#model.counts;
    const args = waiting === undefined ? { running } : { running, waiting };
    this.#write({ name: 'tasks', ph: 'C', ts: this.#now(), pid: PROCESS, tid: 0, args });
  }

  /** The row of a slave, which is named when it is first used, and again when its name is known. */
  #row(slave_id: number): number {
    const name = this.#model.slave(slave_id)?.name ?? `slave ${slave_id}`;
    if (this.#named.get(slave_id) !== name) {
      this.#named.set(slave_id, name);
      const about = { ph: 'M', pid: PROCESS, tid: slave_id + 1 };
      this.#write({ name: 'thread_name', ...about, args: { name } });
      this.#write({ name: 'thread_sort_index', ...about, args: { sort_index: slave_id + 1 } });
    }
    return slave_id + 1;
  }

  #us(time: number): number {
    return Math.round((time - this.#model.started_at) * 1000);
  }

  #now(): number {
    return this.#us(this.#model.clock.now());
  }

  #write(event: object): void {
    if (this.#is_closed || this.#error !== undefined) return;
    if (this.#stream.writableLength > MOST_BUFFERED) {
      this.#left_out++;
      return;
    }
    this.#stream.write(`${this.#has_any ? ',\n' : '[\n'}${JSON.stringify(event)}`);
    this.#has_any = true;
  }
}

/** Short tasks of one slave, put together. */
interface Heap {
  slave: number;
  start: number;
  end: number;
  count: number;
  busy: number;
  name: number;
}

/** The slaves with so many short tasks that they are put together. */
function crowded_slaves(batch: TaskBatch): Set<number> {
  const crowded = new Set<number>();
  if (batch.length <= MANY) return crowded;
  const counts = new Map<number, number>();
  let [last, count] = [NO_SLAVE, 0];
  for (let i = 0; i < batch.length; i++) {
    if (!is_short(batch, i)) continue;
    const slave = batch.slaves[i] as number;
    if (slave !== last) {
      counts.set(last, count);
      last = slave;
      count = counts.get(slave) ?? 0;
    }
    if (++count > MANY) crowded.add(slave);
  }
  return crowded;
}

function is_short(batch: TaskBatch, i: number): boolean {
  return batch.outcomes[i] === 0 && (batch.run_ms[i] as number) < SHORT;
}
