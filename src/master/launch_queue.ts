/**
 * LaunchQueue: how launches are paced. Slaves of one launcher that are to be started in one turn are started by
 * one order, which a batch system takes as one array job; launchers of one kind share a pace.
 */
import type PQueue from 'p-queue';
import type { Launcher } from '../launch/launcher.js';
import type { Pace } from '../launch/pace.js';
import type { Session } from './session.js';

/** Starts the processes of these sessions; resolves when the launch is over, as its pace counts. */
export type Start = (launcher: Launcher, sessions: readonly Session[]) => Promise<void>;

export class LaunchQueue {
  readonly #start: Start;
  /** What is to be started at the end of this turn. */
  readonly #gathered = new Map<Launcher, Session[]>();
  readonly #lines = new Map<string, Line>();

  constructor(start: Start) {
    this.#start = start;
  }

  add(session: Session): void {
    const { launcher } = session.slave;
    const others = this.#gathered.get(launcher);
    if (others !== undefined) return void others.push(session);
    this.#gathered.set(launcher, [session]);
    // a launch may follow another within the same turn of the event loop
    if (this.#gathered.size === 1) setImmediate(() => this.#start_gathered());
  }

  #start_gathered(): void {
    const gathered = [...this.#gathered];
    this.#gathered.clear();
    for (const [launcher, sessions] of gathered) {
      const line = this.#lines.get(launcher.kind) ?? new Line(launcher.pace);
      this.#lines.set(launcher.kind, line);
      void line.add(() => this.#start(launcher, sessions));
    }
  }
}

/** The launches of one kind. */
class Line {
  readonly #pace: Pace;
  /** Launches that run without the queue. */
  readonly #first = new Set<Promise<void>>();
  #queue: Promise<PQueue> | undefined;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  async add(launch: () => Promise<void>): Promise<void> {
    const { at_once, per_second } = this.#pace;
    // the first ones need no queue, and need not wait until it is loaded
    if (this.#queue === undefined && this.#first.size < at_once && per_second === undefined) {
      const first = launch();
      this.#first.add(first);
      await first;
      this.#first.delete(first);
      return;
    }
    this.#queue ??= this.#make_queue();
    await (await this.#queue).add(launch);
  }

  async #make_queue(): Promise<PQueue> {
    const queue = await make_queue(this.#pace);
    // they count too
    for (const first of this.#first) void queue.add(() => first);
    return queue;
  }
}

async function make_queue({ at_once, per_second }: Pace): Promise<PQueue> {
  const { default: Queue } = await import('p-queue');
  const rate = per_second === undefined ? {} : { interval: 1000, intervalCap: per_second };
  return new Queue({ concurrency: at_once, ...rate });
}
