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
import { type Bunch, DONE, NO_SLAVE, OUTCOMES, type TaskBatch } from './task_feed.js';
import { Subscriptions } from './watched_job.js';

/** Tasks shorter than this may be put together, ms. */
const SHORT = 5;
/** And are, when there are more of them in a batch. */
const MANY = 64;
/** A disk that is behind by so much is not given more. */
const MOST_BUFFERED = 64 * 2 ** 20;
/** Events are handed on to the disk when they are so many characters. */
const BLOCK_CHARS = 64 * 1024;
const PROCESS = 1;

export class Trace {
  readonly file: string;
  readonly #model: RunModel;
  readonly #stream: WriteStream;
  readonly #subscriptions: Subscriptions;
  readonly #named = new Map<number, string>();
  #error: Error | undefined;
  #has_any = false;
  /** Events that wait for the next look, or until they are many. */
  #text = '';
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
    this.#hand_on();
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
    for (const bunch of batch.bunches) {
      if (bunch.slave === NO_SLAVE) continue;
      if (!crowded.has(bunch.slave)) {
        for (let i = bunch.from; i < bunch.to; i++) this.#write_task(batch, i);
      } else if (is_short_bunch(bunch)) {
        put_on_heap(heaps, batch, bunch, bunch.run_ms);
      } else {
        for (let i = bunch.from; i < bunch.to; i++) {
          const { slave } = bunch;
          if (is_short(batch, i))
            put_on_heap(heaps, batch, { slave, from: i, to: i + 1 }, batch.run_ms[i] as number);
          else this.#write_task(batch, i);
        }
      }
    }
    for (const { slave, start, end, count, busy, name } of heaps.values()) {
      this.#write({
        name: `${count} x ${this.#model.feed.names.name_of(name)}`,
        cat: 'tasks',
        ph: 'X',
        ...this.#span(start, end),
        pid: PROCESS,
        tid: this.#row(slave),
        args: { tasks: count, busy_ms: Math.round(busy * 1000) / 1000 },
      });
    }
  }

  #write_task(batch: TaskBatch, i: number): void {
    const start = batch.starts[i] as number;
    this.#write({
      name: this.#model.feed.names.name_of(batch.names[i] as number),
      cat: OUTCOMES[batch.outcomes[i] as number],
      ph: 'X',
      ...this.#span(start, start + (batch.run_ms[i] as number)),
      pid: PROCESS,
      tid: this.#row(batch.slaves[i] as number),
      args: { index: batch.indices[i], attempt: batch.attempts[i] },
    });
  }

  #look(): void {
    const { waiting, running } = this.#model.counts;
    const args = { running, waiting };
    this.#write({ name: 'tasks', ph: 'C', ts: this.#now(), pid: PROCESS, tid: 0, args });
    this.#hand_on();
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

  /** Rounded so that what follows at once does not begin before the end: readers take it for nested otherwise. */
  #span(start: number, end: number): { ts: number; dur: number } {
    const ts = this.#us(start);
    return { ts, dur: Math.max(0, this.#us(end) - ts) };
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
    this.#text += `${this.#has_any ? ',\n' : '[\n'}${JSON.stringify(event)}`;
    this.#has_any = true;
    if (this.#text.length >= BLOCK_CHARS) this.#hand_on();
  }

  /** A write for each event would cost more than all else here. */
  #hand_on(): void {
    if (this.#text === '' || this.#error !== undefined) return;
    this.#stream.write(this.#text);
    this.#text = '';
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

function put_on_heap(
  heaps: Map<number, Heap>,
  batch: TaskBatch,
  { slave, from, to }: { slave: number; from: number; to: number },
  busy: number,
): void {
  let heap = heaps.get(slave);
  if (heap === undefined) {
    const start = batch.starts[from] as number;
    heap = { slave, start, end: start, count: 0, busy: 0, name: batch.names[from] as number };
    heaps.set(slave, heap);
  }
  heap.end = (batch.starts[to - 1] as number) + (batch.run_ms[to - 1] as number);
  heap.count += to - from;
  heap.busy += busy;
}

/** The slaves with so many short tasks that they are put together. */
function crowded_slaves(batch: TaskBatch): Set<number> {
  const crowded = new Set<number>();
  if (batch.length <= MANY) return crowded;
  const counts = new Map<number, number>();
  for (const bunch of batch.bunches) {
    const { slave, from, to } = bunch;
    let count = counts.get(slave) ?? 0;
    if (is_short_bunch(bunch)) count += to - from;
    else for (let i = from; i < to; i++) if (is_short(batch, i)) count++;
    counts.set(slave, count);
    if (count > MANY) crowded.add(slave);
  }
  return crowded;
}

/** All of it are short. */
function is_short_bunch({ from, to, done, longest_ms }: Bunch): boolean {
  return done === to - from && longest_ms < SHORT;
}

function is_short(batch: TaskBatch, i: number): boolean {
  return batch.outcomes[i] === DONE && (batch.run_ms[i] as number) < SHORT;
}
