/** A model that takes the time of decisions, and of nothing else. */
import { Core } from '../../src/sched/core.js';
import type { Report, SchedEvent } from '../../src/sched/events.js';
import { TaskRecord } from '../../src/sched/records.js';
import type { ModelOptions, Told } from '../kit/sched_model.js';
import { LeanModel } from './scale_world.js';

/** Numbers that a tape holds. */
const TAPE_LENGTH = 160_000;

/**
 * Every event is kept on a tape, and told to a second scheduler when the tape is full: so what is measured is CPU time
 * of many decisions in a row, without the simulator between them.
 */
export class TimedModel extends LeanModel {
  decision_us = 0;
  events = 0;
  readonly #tape = new Tape();
  readonly #second: Core<TaskRecord>;

  constructor(options: ModelOptions) {
    super(options);
    this.#second = new Core(this.options);
  }

  override decide(event: Event): readonly Told[] {
    if (this.#tape.is_full) this.take_time();
    this.#tape.write(event, this.now);
    return super.decide(event);
  }

  /** Of what has happened since that was done last. */
  take_time(): void {
    const [tape, second] = [this.#tape, this.#second];
    let sum = 0;
    const reading = time_of(() => tape.play((event, now) => void (sum += event.kind.length + now)));
    const all = time_of(() =>
      tape.play((event, now) => {
        second.handle(event, now);
        // a driver asks after every event
        sum += second.wake_at;
      }),
    );
    if (Number.isNaN(sum)) throw new Error('the scheduler does not know when to be woken');
    this.decision_us += all - reading;
    this.events += tape.events;
    tape.clear();
  }
}

type Event = SchedEvent<TaskRecord, Report>;

/**
 * Events that are kept until they are told again. Reports, which are most of them, are kept as numbers and made
 * anew when it is their turn, as a driver has just read them when it passes them on.
 */
class Tape {
  readonly #numbers = new Float64Array(TAPE_LENGTH);
  readonly #others: Event[] = [];
  #written = 0;
  #read = 0;
  #others_read = 0;
  events = 0;

  get is_full(): boolean {
    return this.#written > this.#numbers.length - 1024;
  }

  /** For the second scheduler, which has tasks of its own. */
  write(event: Event, now: number): void {
    this.events++;
    this.#put(now);
    if (event.kind === 'tasks_ended') {
      this.#put(event.slave_id);
      this.#put(event.reports.length);
      for (const { task_id, run_us } of event.reports) {
        this.#put(task_id);
        this.#put(run_us);
      }
    } else {
      this.#put(-1);
      this.#others.push(
        event.kind === 'task_queued' ? { kind: 'task_queued', task: twin_of(event.task) } : event,
      );
    }
  }

  #put(number: number): void {
    this.#numbers[this.#written++] = number;
  }

  #take(): number {
    return this.#numbers[this.#read++] as number;
  }

  /** Tells it all, in order. */
  play(tell: (event: Event, now: number) => void): void {
    this.#read = 0;
    this.#others_read = 0;
    while (this.#read < this.#written) {
      const now = this.#take();
      const slave_id = this.#take();
      if (slave_id < 0) {
        tell(this.#others[this.#others_read++] as Event, now);
        continue;
      }
      const reports: Report[] = [];
      for (let left = this.#take(); left > 0; left--)
        reports.push({ kind: 'task_done', task_id: this.#take(), run_us: this.#take() });
      tell({ kind: 'tasks_ended', slave_id, reports }, now);
    }
  }

  clear(): void {
    this.#written = 0;
    this.events = 0;
    this.#others.length = 0;
  }
}

function twin_of({ task_id, index, bytes, policy }: TaskRecord): TaskRecord {
  return new TaskRecord(task_id, index, bytes, policy);
}

/** CPU time that `happen` takes, µs. */
function time_of(happen: () => void): number {
  const start = process.cpuUsage();
  happen();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}
