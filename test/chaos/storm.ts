/**
 * Storm: one job over the tasks of a seed, in a process of its own, under the faults of the same seed, and the audit
 * after it. Bounded by work, not by time.
 *
 *     storm ──starts──▶ master ──starts──▶ slaves ──run──▶ tasks ──write──▶ ledger
 *       │ ◀──words────────┘                  │                              │
 *       ├──strikes──▶ master, slaves, TcpProxy between them, disk           │
 *       └──audit ◀── outcomes, losses ──────────────────────────────────────┘
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolve_job_options } from '../../src/master/job_options.js';
import { free_port } from '../kit/raw_client.js';
import { audit, type Finding, type Loss } from './audit.js';
import { FAULTS } from './faults/all.js';
import type { Fault } from './faults/fault.js';
import { read_ledger } from './ledger.js';
import { MARK, wait_leftovers } from './leftovers.js';
import { MasterProcess } from './master_process.js';
import type { MasterOrder, MasterWord, MemorySample } from './master_words.js';
import { read_outcomes } from './outcome.js';
import { Random } from './random.js';
import { type PlannedStrike, plan_next, plan_strikes } from './schedule.js';
import { SmallDisk } from './small_disk.js';
import { TcpProxy } from './tcp_proxy.js';
import { FIRST_URGENT, KINDS, kinds_for, spec_of } from './workload.js';
import { World } from './world.js';

export interface StormOptions {
  seed: number;
  tasks: number;
  /** Spread over the outcomes. */
  strikes?: number;
  /** One strike each so many ms, until the end. */
  strike_every?: number;
  /** @default every one */
  faults?: readonly Fault[];
  /** @default from the seed */
  slaves?: number;
  /** Kinds of task. @default all */
  kinds?: readonly string[];
  /** Is told what happens, line by line. */
  log?: (line: string) => void;
  /** Ends the storm before its time. */
  signal?: AbortSignal;
  /** Leaves the folder there to look into. @default false */
  keeps_folder?: boolean;
}

export interface StormReport {
  seed: number;
  tasks: number;
  /** Outcomes by status, or by code. */
  outcomes: Record<string, number>;
  runs: number;
  /** How often each fault struck. */
  struck: Record<string, number>;
  /** Faults that can never strike here, with the reason. */
  impossible: Record<string, string>;
  /** Strikes in the order in which they came, in words. */
  story: string[];
  /** What the master counted, of events. */
  counts: Record<string, number>;
  memory: Partial<Record<'begin' | 'warm' | 'end', MemorySample>>;
  findings: Finding[];
  seconds: number;
  folder: string;
}

/** Of tasks that hang, ms. */
const TASK_TIMEOUT = 600;
/** For slaves to wait for the next master, ms. */
const LEASE = 8000;
const RECONNECT_TIMEOUT = 3000;
const HEARTBEAT_TIMEOUT = 2000;
/** Without any outcome for so long the run has come to a stand, ms. */
const STANDSTILL = 30_000;
/** For the processes to end after the master has, ms. */
const LEFTOVER_GRACE = 5000;
/** Large results go beside the status file. */
const DISK_MEBIBYTES = 48;

/** Whether this parjob has the option. */
function has_option(name: string, value: unknown = 1000): boolean {
  try {
    resolve_job_options({ [name]: value });
    return true;
  } catch {
    return false;
  }
}

/** Options that a storm of some seeds has and others do not. */
function options_of_release(shape: Random): Record<string, unknown> {
  const chosen: Record<string, unknown> = { reconnect_timeout: RECONNECT_TIMEOUT, cancel_grace: 300 };
  if (shape.chance(0.3)) chosen['max_tasks_per_slave'] = shape.integer(5, 60);
  if (shape.chance(0.3))
    Object.assign(chosen, { max_slave_memory: 110 * 2 ** 20, kill_slave_memory: 2 ** 30 });
  if (shape.chance(0.3)) Object.assign(chosen, { retries: 1, retry_delay: 50 });
  if (shape.chance(0.2)) chosen['idle_timeout'] = shape.integer(50, 500);
  return Object.fromEntries(Object.entries(chosen).filter(([name]) => has_option(name)));
}

export async function run_storm(options: StormOptions): Promise<StormReport> {
  const storm = new Storm(options);
  try {
    return await storm.run();
  } finally {
    await storm.clean_up();
  }
}

class Storm {
  readonly #options: StormOptions;
  readonly #random: Random;
  readonly #mark = randomBytes(8).toString('hex');
  readonly #folder = mkdtempSync(join(tmpdir(), 'parjob-chaos-'));
  readonly #proxy = new TcpProxy();
  readonly #disk: SmallDisk | string;
  readonly #world: World;
  readonly #order: Omit<MasterOrder, 'life'>;
  readonly #began_at = performance.now();
  readonly #losses: Loss[] = [];
  readonly #findings: Finding[] = [];
  readonly #report: StormReport;
  #planned: PlannedStrike[] = [];
  #master: MasterProcess | undefined;
  #lives = 0;
  #outcomes = 0;
  #progress_at = performance.now();
  #is_finished = false;

  constructor(options: StormOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#disk = SmallDisk.mount(join(this.#folder, 'disk'), DISK_MEBIBYTES);
    const slaves = options.slaves ?? this.#random.fork('slaves').integer(2, 5);
    this.#world = new World({
      proxy: this.#proxy,
      disk: this.#disk,
      can_restart_master: this.#random.fork('restart').chance(0.7) && has_option('restart', true),
      slaves,
      heartbeat_timeout: HEARTBEAT_TIMEOUT,
      reconnect_timeout: has_option('reconnect_timeout') ? RECONNECT_TIMEOUT : undefined,
    });
    const ledger = join(this.#folder, 'ledger');
    mkdirSync(ledger);
    const timeouts = has_option('timeout');
    const kinds = kinds_for({ timeouts }).map(({ name }) => name);
    const shape = this.#random.fork('shape');
    this.#order = {
      seed: options.seed,
      tasks: options.tasks,
      urgent: Math.ceil(options.tasks / 20),
      is_lazy: shape.chance(0.5),
      slaves,
      proxy: undefined,
      folder: ledger,
      log_dir: typeof this.#disk === 'string' ? this.#folder : this.#disk.folder,
      options: {
        heartbeat_interval: 200,
        heartbeat_timeout: HEARTBEAT_TIMEOUT,
        ...(shape.chance(0.3) && { prefetch: shape.pick([1, 4, 32]) }),
        ...options_of_release(shape),
        ...(this.#world.can_restart_master && { restart: true }),
        ...(this.#world.can_restart_master &&
          has_option('lease') &&
          shape.chance(0.5) && { lease: LEASE, status_file: true }),
      },
      timeout: timeouts ? TASK_TIMEOUT : undefined,
      cancels_one_in: has_option('cancel_grace') ? shape.pick([0, 11]) : 0,
      kinds: kinds.filter((name) => options.kinds?.includes(name) ?? true),
    };
    this.#report = {
      seed: options.seed,
      tasks: this.#order.tasks + this.#order.urgent,
      outcomes: {},
      runs: 0,
      struck: {},
      impossible: {},
      story: [],
      counts: {},
      memory: {},
      findings: this.#findings,
      seconds: 0,
      folder: this.#folder,
    };
  }

  async run(): Promise<StormReport> {
    this.#options.signal?.addEventListener('abort', () => this.#master?.end());
    const possible = (this.#options.faults ?? FAULTS).filter((fault) => {
      const reason = fault.impossible(this.#world);
      if (reason !== undefined) this.#report.impossible[fault.name] = reason;
      return reason === undefined;
    });
    const { strikes = 0, strike_every, tasks } = this.#options;
    const random = this.#random.fork('strikes');
    this.#planned = plan_strikes(random, possible, strikes, tasks);
    this.#say(JSON.stringify({ ...this.#order, kinds: this.#order.kinds?.length }));
    if (this.#world.can_restart_master) {
      // slaves that outlive their master find the next one where it was
      this.#order.options['port'] = await free_port();
    }
    await this.#start_master();
    const watch = setInterval(() => this.#watch(), 1000);
    const clock =
      strike_every === undefined
        ? undefined
        : setInterval(() => this.#strike_now(plan_next(random, possible, this.#outcomes)), strike_every);
    while (this.#master !== undefined) {
      const { ended } = this.#master;
      const { code, signal } = await ended;
      const was_killed = this.#master.is_killed;
      this.#say(`the master ended: ${signal ?? code}`);
      this.#world.master = undefined;
      this.#world.port = undefined;
      this.#proxy.refuse();
      if (!was_killed && !(this.#is_finished && code === 0))
        this.#find('master', `it ended with ${signal ?? code}: ${this.#master.stderr.slice(-4000)}`);
      this.#master = undefined;
      if (was_killed) await this.#start_master();
    }
    clearInterval(watch);
    clearInterval(clock);
    this.#world.mend_all();
    await this.#conclude();
    return this.#report;
  }

  async #start_master(): Promise<void> {
    await this.#proxy.listen();
    this.#proxy.target = this.#order.options['port'] as number | undefined;
    const order = { ...this.#order, proxy: this.#proxy.port, life: this.#lives++ };
    const env = { [MARK]: this.#mark, CHAOS_LEDGER: this.#order.folder };
    this.#master = new MasterProcess(order, { cwd: this.#folder, env }, (word) => this.#hear(word));
    this.#world.master = this.#master;
    this.#progress_at = performance.now();
  }

  #hear(word: MasterWord): void {
    this.#world.hear(word);
    switch (word.kind) {
      case 'outcomes':
        this.#outcomes = Math.max(this.#outcomes, word.count);
        this.#progress_at = performance.now();
        return this.#strike();
      case 'lost':
        this.#losses.push({ ...word, was_starved: this.#world.lacks.length > 0 });
        return this.#say(`lost: ${word.slave} (${word.pid}), ${word.why}: ${word.reason.split('\n')[0]}`);
      case 'dead':
        return this.#say(`given up: ${word.slave}: ${word.reason.split('\n')[0]}`);
      case 'launched':
        return this.#say(`launched: ${word.name} (${word.pid})`);
      case 'adopted':
        return this.#say(`taken over: ${word.pid}`);
      case 'memory':
        this.#report.memory[word.when] = word.sample;
        return;
      case 'run_failed':
        return this.#say(`the run failed: ${word.code}: ${word.message}`);
      case 'dump':
        return this.#say(word.text);
      case 'finished':
        this.#is_finished = true;
        this.#report.counts = word.counts;
        return;
      default:
    }
  }

  /** All strikes that are due. */
  #strike(): void {
    for (let next = this.#planned[0]; next !== undefined && next.after <= this.#outcomes; ) {
      this.#planned.shift();
      this.#strike_now(next);
      next = this.#planned[0];
    }
  }

  #strike_now({ fault, random }: PlannedStrike): void {
    const what = fault.strike(this.#world, random);
    this.#say(`strike: ${fault.name} ${what ?? 'finds nobody'}`);
    if (what === undefined) return;
    this.#report.struck[fault.name] = (this.#report.struck[fault.name] ?? 0) + 1;
  }

  /** A run that does not go on is ended, and told. */
  #watch(): void {
    const silence = performance.now() - this.#progress_at;
    if (silence > STANDSTILL - 3000) this.#master?.say({ kind: 'dump' });
    if (silence < STANDSTILL) return;
    this.#find('master', `no outcome for ${STANDSTILL} ms, ${this.#outcomes} before`);
    this.#master?.end();
  }

  async #conclude(): Promise<void> {
    const report = this.#report;
    const left = await wait_leftovers(this.#mark, LEFTOVER_GRACE);
    const leftovers = left.map(({ pid, command }) => `process ${pid}: ${command}`);
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    const kinds = KINDS.filter(({ name }) => this.#order.kinds?.includes(name));
    const spec = (i: number) => spec_of(this.#options.seed, i, kinds);
    const tasks = [
      ...Array.from({ length: this.#order.tasks }, (_, i) => spec(i)),
      ...Array.from({ length: this.#order.urgent }, (_, i) => spec(FIRST_URGENT + i)),
    ];
    const lives = Array.from({ length: this.#lives }, (_, life) => read_outcomes(this.#order.folder, life));
    const runs = read_ledger(this.#order.folder);
    const { begin, warm, end } = report.memory;
    const memory = begin !== undefined && warm !== undefined && end !== undefined && { begin, warm, end };
    this.#findings.push(
      ...audit({
        tasks,
        lives,
        runs,
        losses: this.#losses,
        wronged: this.#world.wronged,
        attempts: 2,
        retries: (this.#order.options['retries'] as number | undefined) ?? 0,
        leftovers,
        ...(memory && { memory }),
      }),
    );
    for (const { status, code } of lives.at(-1) ?? []) {
      const name = status === 'rejected' ? (code ?? 'unknown') : status;
      report.outcomes[name] = (report.outcomes[name] ?? 0) + 1;
    }
    report.runs = runs.length;
    report.seconds = (performance.now() - this.#began_at) / 1000;
  }

  #find(breach: Finding['breach'], text: string): void {
    this.#findings.push({ breach, text });
  }

  #say(line: string): void {
    const seconds = ((performance.now() - this.#began_at) / 1000).toFixed(2);
    const told = `${seconds} s, ${this.#outcomes} outcomes: ${line}`;
    this.#report.story.push(told);
    this.#options.log?.(told);
  }

  async clean_up(): Promise<void> {
    this.#world.mend_all();
    this.#master?.end();
    await this.#proxy.close();
    if (typeof this.#disk !== 'string') this.#disk.unmount();
    if (this.#options.keeps_folder !== true) rmSync(this.#folder, { recursive: true, force: true });
    else this.#options.log?.(`kept: ${this.#folder}: ${readdirSync(this.#folder).join(', ')}`);
  }
}
