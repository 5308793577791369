/**
 * The roster: the slaves of the job, their coming and going, and when each must be looked at.
 *
 *     launch ─▶ ready ─▶ at work ─▶ stop ─▶ gone       leave: for good, recycle: launched again, rest: until needed
 *        ▲                  │
 *        └── after a while ─┴─ lost, or not started; dead after MAX_FAILURES in a row, but let out now and then
 *
 * It knows no tasks: what becomes of those of a slave that is gone is for Core to say. Nothing here takes
 * time in proportion to the number of slaves, but what concerns all of them.
 */

import { Heap } from '../base/heap.js';
import { assert } from './assert.js';
import type { CoreOptions } from './core_options.js';
import type { Report } from './events.js';
import type { Hosts } from './hosts.js';
import { is_serving } from './offers.js';
import { type HostRecord, type Prospect, SlaveRecord, type StopReason, type TaskRecord } from './records.js';
import { next_state, type SlaveState, type SlaveTransition } from './slave_state.js';
import type { Turn } from './turn.js';

/** Launches and unexplained losses of one slave in a row before it is given up. */
const MAX_FAILURES = 3;
/** Wait before the second launch, ms; doubled for each further one. */
const RELAUNCH_DELAY = 250;
/** A slave that was given up gets another chance after so long, ms, if others work; doubled for each further one. */
const PAROLE_AFTER = 5000;
const LONGEST_PAROLE = 10 * 60_000;

export class Roster<T extends TaskRecord, R extends Report> {
  readonly #options: CoreOptions;
  readonly #turn: Turn<T, R>;
  readonly #hosts: Hosts;
  readonly #slaves = new Map<number, SlaveRecord<T>>();
  /** The same by slave_id: each event looks one up, and among ten thousand a Map is slow. */
  readonly #by_id: (SlaveRecord<T> | undefined)[] = [];
  /** Slaves that were never launched; that are dead or were stopped; and that were because there was nothing to do. */
  readonly #new = new Set<SlaveRecord<T>>();
  readonly #ended = new Set<SlaveRecord<T>>();
  readonly #resting = new Set<SlaveRecord<T>>();
  readonly #looks = new Heap<SlaveRecord<T>>();
  /** Slaves that are connected, by their host. */
  readonly #connected = new Map<HostRecord, Set<SlaveRecord<T>>>();
  /** Slaves that were asked for and are not here yet. */
  #growing = 0;
  /** They could not be had, and nobody has asked for a run since. */
  #is_refused = false;
  /** Slaves that work or are about to, and those of them that are about to. */
  #working = 0;
  #starting = 0;
  /** Slaves that were given up. */
  #dead = 0;
  readonly #prospects: Record<Prospect, number> = { hopeful: 0, failing: 0, out: 0 };
  #is_closed = false;
  /** Whether there may be less hope than when that was last asked. */
  is_doubtful = false;

  constructor(options: CoreOptions, turn: Turn<T, R>, hosts: Hosts) {
    this.#options = options;
    this.#turn = turn;
    this.#hosts = hosts;
  }

  get size(): number {
    return this.#slaves.size;
  }

  get has_resting(): boolean {
    return this.#resting.size > 0;
  }

  get working(): number {
    return this.#working;
  }

  /** When a slave must be looked at. */
  get wake_at(): number {
    return this.#looks.least;
  }

  [Symbol.iterator](): IterableIterator<SlaveRecord<T>> {
    return this.#slaves.values();
  }

  get(slave_id: number): SlaveRecord<T> | undefined {
    return this.#by_id[slave_id];
  }

  must_have(slave_id: number): SlaveRecord<T> {
    const slave = this.#by_id[slave_id];
    if (slave === undefined) throw new Error(`the scheduler has no slave ${slave_id}`);
    return slave;
  }

  move(slave: SlaveRecord<T>, transition: SlaveTransition): void {
    if (is_working(slave.state)) this.#working--;
    if (slave.state === 'started') this.#starting--;
    if (slave.state === 'dead') this.#dead--;
    slave.state = next_state(slave.state, transition);
    if (is_working(slave.state)) this.#working++;
    if (slave.state === 'started') this.#starting++;
    if (slave.state === 'dead') this.#dead++;
    this.note_serving(slave);
  }

  /** To be called when a slave takes tasks that did not, or the other way round. */
  note_serving(slave: SlaveRecord<T>): void {
    const is = slave.host !== undefined && is_serving(slave);
    if (is === slave.is_serving || slave.host === undefined) return;
    slave.is_serving = is;
    this.#hosts.note_serving(slave.host, is ? 1 : -1);
  }

  // ---- looks

  /** `slave` must be looked at by then. */
  look(slave: SlaveRecord<T>, at: number): void {
    if (at >= slave.look_at) return;
    slave.look_at = at;
    this.#looks.push(at, slave);
  }

  /** The slaves whose time has come. */
  take_due(): SlaveRecord<T>[] {
    const due: SlaveRecord<T>[] = [];
    for (let at = this.#looks.least; at <= this.#turn.now; at = this.#looks.least) {
      const slave = this.#looks.pop() as SlaveRecord<T>;
      // an older entry of a slave that had to be looked at sooner
      if (slave.look_at !== at) continue;
      slave.look_at = Infinity;
      due.push(slave);
    }
    return due;
  }

  // ---- launches

  add(slave_id: number): void {
    const slave = new SlaveRecord<T>(slave_id);
    this.#slaves.set(slave_id, slave);
    this.#by_id[slave_id] = slave;
    this.#new.add(slave);
    this.#growing = Math.max(0, this.#growing - 1);
    this.#prospects[slave.prospect]++;
    this.is_doubtful = true;
  }

  /** Launches those that never were and, when there is no hope otherwise, the dead. */
  launch_new(): void {
    if (this.#prospects.hopeful + this.#prospects.failing === 0) return this.launch_all();
    for (const slave of this.#new) this.launch(slave);
    this.is_doubtful = true;
  }

  /** Launches all that do not run, but for those that rest; gives the dead another chance. */
  launch_all(): void {
    this.#is_refused = false;
    for (const slave of this.#ended) {
      slave.failures = 0;
      this.launch(slave);
    }
    for (const slave of this.#new) this.launch(slave);
    this.is_doubtful = true;
  }

  /** Launches a slave that never was. */
  launch_if_new(slave: SlaveRecord<T>): void {
    if (this.#new.has(slave)) this.launch(slave);
  }

  /** Asks for more slaves, so that `count` are on their way, as far as the job may have them. */
  grow(count: number): void {
    const on_their_way = this.#starting + this.#growing + this.#prospects.failing;
    const missing = Math.min(count - on_their_way, this.#room);
    if (missing <= 0 || this.#is_closed) return;
    this.#growing += missing;
    this.#turn.order({ kind: 'grow', count: missing });
  }

  /**
   * How many more the job may ask for. None when some did not start and nobody is here: more would fare alike. Who was given
   * up keeps its place, for it gets another chance; else each would be followed by another without end.
   */
  get #room(): number {
    const { hopeful, failing } = this.#prospects;
    const { max_slaves } = this.#options;
    const is_anybody_here = this.#working > this.#starting;
    if (max_slaves === undefined || this.#is_refused) return 0;
    if (!is_anybody_here && failing + this.#dead > 0) return 0;
    return max_slaves - hopeful - failing - this.#dead - this.#growing;
  }

  /** Whoever was to make them failed. */
  on_grow_failed(): void {
    this.#growing = 0;
    this.#is_refused = true;
    this.is_doubtful = true;
  }

  /** Launches up to `count` of those that rest, less those that are on their way already. */
  wake_resting(count = Infinity): void {
    for (const slave of this.#resting) {
      if (this.#starting >= count) return;
      this.launch(slave);
    }
  }

  /** No slave is to rest: who is about to is launched again as soon as it has ended. */
  wake_all(): void {
    this.wake_resting();
    for (const slave of this.#slaves.values())
      if (slave.state === 'stopping' && slave.stop_reason === 'rest') slave.stop_reason = 'recycle';
  }

  launch(slave: SlaveRecord<T>): void {
    if (this.#is_closed) return;
    this.#home_of(slave)?.delete(slave);
    this.move(slave, 'launch');
    this.#weigh(slave);
    slave.launch_at = Infinity;
    this.#turn.order({ kind: 'launch_slave', slave_id: slave.slave_id });
  }

  /** Its process was started. */
  on_launched(slave: SlaveRecord<T>): void {
    if (slave.state !== 'started') return;
    slave.launch_at = this.#turn.now;
    this.look(slave, this.#turn.now + this.#options.start_timeout);
  }

  /** It was lost, and that is explained: again at once. */
  relaunch(slave: SlaveRecord<T>): void {
    slave.failures = 0;
    this.move(slave, 'lose');
    if (slave.is_leaving) this.stop(slave, 'leave');
    else this.launch(slave);
  }

  /** Its launch failed, or it was lost for no known reason: again after a while, within the budget. */
  fail(slave: SlaveRecord<T>, error: Error, cause?: string): void {
    slave.failures++;
    slave.last_failure = error;
    slave.failure_cause = cause;
    if (slave.failures >= MAX_FAILURES) {
      this.#give_up(slave, error);
    } else {
      this.move(slave, 'lose');
      this.#weigh(slave);
      slave.launch_at = this.#turn.now + RELAUNCH_DELAY * 2 ** (slave.failures - 1);
      this.look(slave, slave.launch_at);
    }
    if (slave.is_leaving) this.stop(slave, 'leave');
  }

  #give_up(slave: SlaveRecord<T>, error: Error): void {
    this.move(slave, 'give_up');
    this.#ended.add(slave);
    this.#weigh(slave);
    slave.launch_at = this.#turn.now + Math.min(LONGEST_PAROLE, PAROLE_AFTER * 2 ** slave.paroles);
    slave.paroles = Math.min(slave.paroles + 1, 20);
    this.look(slave, slave.launch_at);
    this.#turn.order({ kind: 'slave_given_up', slave_id: slave.slave_id, error });
  }

  /** Whatever it failed of may be over: it is launched once more, if others work and so the run goes on. */
  let_out(slave: SlaveRecord<T>): void {
    if (slave.launch_at > this.#turn.now) return this.look(slave, slave.launch_at);
    if (this.#prospects.hopeful === 0) return;
    slave.failures = MAX_FAILURES - 1;
    this.launch(slave);
  }

  /** It has connected from a host of that name. */
  connect(slave: SlaveRecord<T>, name: string): void {
    const host = this.#hosts.join(name);
    slave.host = host;
    const connected = this.#connected.get(host);
    if (connected === undefined) this.#connected.set(host, new Set([slave]));
    else connected.add(slave);
  }

  /** The slaves that are connected from `host`. */
  slaves_on(host: HostRecord): Iterable<SlaveRecord<T>> {
    return this.#connected.get(host) ?? [];
  }

  /** Its connection is gone. */
  disconnect(slave: SlaveRecord<T>): void {
    const { host } = slave;
    if (host === undefined) return;
    if (slave.is_serving) this.#hosts.note_serving(host, -1);
    slave.is_serving = false;
    this.#hosts.leave(host, slave.slave_id);
    this.#connected.get(host)?.delete(slave);
    slave.host = undefined;
  }

  // ---- ends

  stop(slave: SlaveRecord<T>, reason: StopReason): void {
    const was = slave.state;
    this.#home_of(slave)?.delete(slave);
    slave.stop_reason = reason;
    this.move(slave, 'stop');
    if (slave.state === 'stopped') this.#note_stopped(slave);
    else if (was !== 'stopping') this.#turn.order({ kind: 'stop_slave', slave_id: slave.slave_id, reason });
    this.#weigh(slave);
  }

  /** All are stopped for good, and none is launched any more. */
  stop_all(): void {
    this.#is_closed = true;
    for (const slave of this.#slaves.values()) this.stop(slave, 'leave');
    // whoever stops a job knows that nobody is left
    this.is_doubtful = false;
  }

  /** It has ended as it was told to. */
  on_ended(slave: SlaveRecord<T>): void {
    this.move(slave, 'end');
    this.#note_stopped(slave);
    if (slave.stop_reason === 'recycle' && !slave.is_leaving) this.launch(slave);
  }

  #note_stopped(slave: SlaveRecord<T>): void {
    const { is_leaving, stop_reason } = slave;
    if (is_leaving) this.#forget(slave);
    else if (stop_reason === 'rest') this.#resting.add(slave);
    else this.#ended.add(slave);
  }

  #forget(slave: SlaveRecord<T>): void {
    this.#slaves.delete(slave.slave_id);
    this.#by_id[slave.slave_id] = undefined;
    this.#weigh(slave);
    this.#prospects[slave.prospect]--;
    slave.look_at = Infinity;
    this.is_doubtful = true;
  }

  // ---- hope

  /** True when nobody is left to do anything. When all slaves fail alike, none is tried again. */
  is_hopeless(): boolean {
    this.is_doubtful = false;
    if (this.#prospects.hopeful > 0 || this.#growing > 0 || this.#room > 0) return false;
    if (this.#prospects.failing > 0 && !this.#all_fail_alike()) return false;
    for (const slave of this.#slaves.values())
      if (slave.prospect === 'failing') this.#give_up(slave, slave.last_failure as Error);
    this.is_doubtful = false;
    return true;
  }

  #all_fail_alike(): boolean {
    let cause: string | undefined;
    for (const { failure_cause } of this.#slaves.values()) {
      if (failure_cause === undefined || failure_cause !== (cause ?? failure_cause)) return false;
      cause = failure_cause;
    }
    return true;
  }

  /** Corrects the count of what can be expected. */
  #weigh(slave: SlaveRecord<T>): void {
    const prospect = prospect_of(slave);
    if (prospect === slave.prospect) return;
    this.#prospects[slave.prospect]--;
    this.#prospects[prospect]++;
    slave.prospect = prospect;
    this.is_doubtful = true;
  }

  /** The set from which it would be launched. */
  #home_of({ state, failures, stop_reason }: SlaveRecord<T>): Set<SlaveRecord<T>> | undefined {
    if (state === 'created') return failures === 0 ? this.#new : undefined;
    if (state === 'dead') return this.#ended;
    if (state === 'stopped') return stop_reason === 'rest' ? this.#resting : this.#ended;
    return undefined;
  }

  /** Asserts that the counts are those of what is here. */
  check(): void {
    let [working, starting, dead, at_rest] = [0, 0, 0, 0];
    const prospects: Record<Prospect, number> = { hopeful: 0, failing: 0, out: 0 };
    for (const slave of this.#slaves.values()) {
      const { state } = slave;
      if (is_working(state)) working++;
      if (state === 'started') starting++;
      if (state === 'dead') dead++;
      prospects[prospect_of(slave)]++;
      const home = this.#home_of(slave);
      if (home !== undefined) at_rest++;
      const what = () => `slave ${slave.slave_id}, ${state}, is not where it would be launched from`;
      assert(home === undefined || home.has(slave), what);
      const is = slave.host !== undefined && is_serving(slave);
      assert(is === slave.is_serving, () => `slave ${slave.slave_id} is miscounted at its host`);
    }
    assert(working === this.#working && starting === this.#starting, 'working slaves are miscounted');
    assert(dead === this.#dead, 'dead slaves are miscounted');
    const counted = this.#new.size + this.#ended.size + this.#resting.size;
    assert(at_rest === counted, 'a slave could be launched that runs, or is not there');
    for (const prospect of ['hopeful', 'failing', 'out'] as const)
      assert(
        prospects[prospect] === this.#prospects[prospect],
        () => `the ${prospect} slaves are miscounted`,
      );
  }
}

function prospect_of(slave: SlaveRecord<TaskRecord>): Prospect {
  switch (slave.state) {
    case 'created':
      return slave.failures > 0 ? 'failing' : 'hopeful';
    case 'dead':
      return 'out';
    case 'stopping':
    case 'stopped':
      return slave.is_leaving || slave.stop_reason === 'leave' ? 'out' : 'hopeful';
    default:
      return 'hopeful';
  }
}

function is_working(state: SlaveState): boolean {
  return state === 'started' || state === 'connected' || state === 'running_task';
}
