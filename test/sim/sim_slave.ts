/** A slave of the simulated world, through all its launches: what really happens, before anybody hears of it. */
import type { LossKind, Report } from '../../src/sched/events.js';
import type { TaskRecord } from '../../src/sched/records.js';
import { DRAW, type World } from './world.js';

interface Held {
  seq: number;
  task: TaskRecord;
  is_aborted: boolean;
}

/** Two messages of one connection do not arrive at one time, ms. */
const APART = 1e-6;

/** One process of it, and its connections. */
class Life {
  process: 'queued' | 'starting' | 'running' | 'gone' = 'queued';
  /** Whether the master hears of it. */
  is_cut = false;
  /** Whether the master has heard that it is ready. */
  is_known = false;
  readonly held: Held[] = [];
  running: Held | undefined;
  received = 0;
  /** All tasks up to this number have started, or were given back. */
  started_seq = -1;
  readonly given_back = new Set<number>();
  unsent: Report[] = [];
  /** When the last message arrives, each way on each connection. */
  to_slave = 0;
  to_master = 0;
  pulse_to_slave = 0;
  pulse_to_master = 0;
}

type Way = 'to_slave' | 'to_master' | 'pulse_to_slave' | 'pulse_to_master';

export class SimSlave {
  readonly slave_id: number;
  readonly #world: World;
  #life: Life | undefined;
  #launches = 0;
  #messages = 0;

  constructor(world: World, slave_id: number) {
    this.#world = world;
    this.slave_id = slave_id;
  }

  /** Whether its heartbeats arrive. */
  get is_heard(): boolean {
    return this.#life?.is_known === true && this.#life.process === 'running' && !this.#life.is_cut;
  }

  /** Delivers over one connection, in order, unless the life has ended when it arrives. */
  #post(life: Life, way: Way, deliver: () => void): void {
    const world = this.#world;
    const latency = world.latency(this.slave_id, this.#messages++);
    const at = Math.max(life[way] + APART, world.now + latency);
    life[way] = at;
    world.at(at, () => {
      if (this.#life === life) deliver();
    });
  }

  #after(life: Life, delay: number, happen: () => void): void {
    this.#world.after(delay, () => {
      if (this.#life === life && life.process !== 'gone') happen();
    });
  }

  // ---- it comes

  launch(): void {
    const world = this.#world;
    const life = new Life();
    this.#life = life;
    const luck = world.draw(DRAW.start, this.slave_id, this.#launches++);
    const { model } = world;
    if (luck < 0.05 && !world.is_calm) {
      // it cannot even be tried
      this.#life = undefined;
      model.gone(this.slave_id, undefined, 'cannot start');
      return;
    }
    this.#after(life, luck * (luck > 0.9 ? 3000 : 100), () => {
      life.process = 'starting';
      model.launched(this.slave_id);
      if (luck > 0.85 && luck < 0.9 && !world.is_calm) return;
      this.#after(life, luck * 300, () => {
        if (luck > 0.7 && luck < 0.85 && !world.is_calm)
          this.#end(life, undefined, luck < 0.8 ? 'not found' : 'no route');
        else this.#come_ready(life, luck);
      });
    });
  }

  #come_ready(life: Life, luck: number): void {
    const { model } = this.#world;
    life.process = 'running';
    this.#post(life, 'to_master', () => {
      life.is_known = true;
      model.ready(this.slave_id, false, this.#world.host_of(this.slave_id));
    });
    if (luck > 0.03) this.#post(life, 'to_master', () => model.pulse(this.slave_id));
  }

  // ---- it works

  receive(tasks: readonly TaskRecord[]): void {
    const life = this.#life as Life;
    this.#post(life, 'to_slave', () => {
      if (life.process !== 'running') return;
      for (const task of tasks) life.held.push({ seq: life.received++, task, is_aborted: false });
      this.#go_on(life);
    });
  }

  #go_on(life: Life): void {
    if (life.running !== undefined) return;
    const next = life.held.shift();
    if (next === undefined) return this.#flush(life);
    if (life.given_back.has(next.seq)) return this.#go_on(life);
    life.running = next;
    life.started_seq = next.seq;
    const { after, end } = this.#world.fate(next.task, this.slave_id, next.task.attempt - 1);
    if (next.is_aborted) return this.#after(life, 0.01, () => this.#end_task(life, next, 'task_failed', 0));
    if (after === Infinity) return;
    this.#after(life, after, () => this.#end_task(life, next, end, after));
  }

  #end_task(life: Life, held: Held, end: Report['kind'] | LossKind, time: number): void {
    if (life.running !== held) return;
    if (end !== 'task_done' && end !== 'task_failed') return this.die(end);
    life.running = undefined;
    const may_retry = end === 'task_failed' && !held.is_aborted ? true : undefined;
    life.unsent.push({ kind: end, task_id: held.task.task_id, run_us: time * 1000, may_retry });
    if (life.held.length > 0) this.#after(life, 2, () => this.#flush(life));
    this.#go_on(life);
  }

  #flush(life: Life): void {
    if (life.unsent.length === 0) return;
    const reports = life.unsent;
    life.unsent = [];
    this.#post(life, 'to_master', () => {
      if (!life.is_cut) this.#world.model.report_all(this.slave_id, reports);
    });
  }

  command(time: number): void {
    const { model } = this.#world;
    const life = this.#life;
    const slave = model.slaves.get(this.slave_id);
    if (life === undefined || !this.is_heard || slave?.is_stopping === true || slave?.is_leaving === true)
      return;
    model.send_command(this.slave_id);
    this.#after(life, time, () =>
      this.#post(life, 'to_master', () => {
        if (!life.is_cut) model.end_command(this.slave_id);
      }),
    );
  }

  take_back(from: number, to: number): void {
    const life = this.#life as Life;
    this.#post(life, 'pulse_to_slave', () => {
      if (life.process !== 'running' || life.is_cut) return;
      const first = Math.min(Math.max(from, life.started_seq + 1), to);
      for (let seq = first; seq < to; seq++) life.given_back.add(seq);
      this.#post(life, 'pulse_to_master', () => this.#world.model.given_back(this.slave_id, first));
    });
  }

  abort(task_id: number): void {
    const life = this.#life as Life;
    this.#post(life, 'to_slave', () => {
      const { running } = life;
      for (const held of life.held) if (held.task.task_id === task_id) held.is_aborted = true;
      if (running?.task.task_id !== task_id || this.#world.trait(running.task) === 'stubborn') return;
      running.is_aborted = true;
      this.#after(life, 0.1, () => this.#end_task(life, running, 'task_failed', 1));
    });
  }

  // ---- it goes

  /** Its process ends by itself, or is ended. */
  die(why: LossKind): void {
    const life = this.#life;
    if (life === undefined || life.process === 'gone') return;
    const luck = this.#world.draw(DRAW.death, this.slave_id, this.#messages);
    if (luck < 0.5) this.#flush(life);
    const says = why === 'cancelled' || why === 'timed_out' || luck > 0.3;
    const running = life.running?.task.task_id ?? 'no_task';
    this.#end(life, says ? running : undefined, 'died', why);
  }

  #end(life: Life, ended_with: number | 'no_task' | undefined, cause: string, why: LossKind = 'died'): void {
    life.process = 'gone';
    this.#post(life, 'to_master', () => this.#gone(ended_with, cause, why));
  }

  #gone(ended_with: number | 'no_task' | undefined, cause: string, why: LossKind): void {
    this.#life = undefined;
    this.#world.model.gone(this.slave_id, ended_with, cause, why);
  }

  /** The network between it and the master breaks, for good. */
  cut(): void {
    if (this.#life?.is_known === true) this.#life.is_cut = true;
  }

  /** Its pulse kills it, if it still runs the task of that number. */
  kill(seq: number): void {
    const life = this.#life as Life;
    this.#post(life, 'pulse_to_slave', () => {
      if (life.running?.seq === seq && !life.is_cut) this.die('cancelled');
    });
  }

  stop(): void {
    const life = this.#life as Life;
    this.#post(life, 'to_slave', () => this.#gone(undefined, 'stopped', 'died'));
  }

  /** Whoever started it ends it. */
  abandon(why: LossKind): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#post(life, 'to_slave', () => this.#gone(undefined, 'abandoned', why));
  }
}
