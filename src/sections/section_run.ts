/**
 * SectionRun: one run of the sections of a ParJob. It tells the plan what has happened and carries out what that
 * orders; the only place where decisions meet hosts, files and the status file.
 *
 *     hosts ─▶ events ─▶ plan ─▶ orders ─▶ attempts (inputs, program, outputs) ─▶ events
 *                                      └─▶ collection ─▶ joiners ─▶ files of the master
 */
import { Deferred } from '../base/deferred.js';
import { type FailedSection, ParjobError, SectionFailedError } from '../errors.js';
import type { Job } from '../master/job.js';
import { Attempt, AttemptFailure } from './attempt.js';
import { Cleaner } from './cleaner.js';
import { Collection } from './collection.js';
import { Hosts } from './hosts.js';
import { type Order, take_orders } from './orders.js';
import type { ParFile } from './par_file.js';
import type { ParJobHooks, ResolvedParJobOptions } from './par_job_options.js';
import type { Pars } from './pars.js';
import { PiecesTable } from './pieces_table.js';
import { Plan } from './plan.js';
import type { FailureKind, PlanEvent, PlanOrder, RunOutcome } from './plan_events.js';
import { LostOutput, Porter } from './porter.js';
import { safe_name } from './safe_name.js';
import type { SectionEmitter } from './section_events.js';
import { log_file_of, seeds_of } from './section_records.js';
import { is_under_way } from './section_state.js';
import type { StatusFile } from './status_file.js';

/** How often it is looked whether a person wants something, ms. */
const LOOK_FOR_ORDERS = 250;
/** Sections that are collected at once. */
const COLLECTED_AT_ONCE = 4;
/** Tries to collect a section from a host that is there. */
const COLLECT_TRIES = 3;

/** What a run of a ParJob has come to. */
export interface ParJobResult {
  /** Ids of the sections that are done. */
  done: readonly string[];
  /** Those that failed; only with on_failure: { tolerate }. */
  failed: readonly FailedSection[];
  /** Whole files that were written. */
  files: readonly string[];
  /** What could not be removed from hosts; it is tried again when the job is next run. */
  not_removed: readonly { host: string; path: string; reason: string }[];
}

export interface SectionRunParts {
  job: Job;
  options: ResolvedParJobOptions;
  hooks: Required<Pick<ParJobHooks, 'command_func' | 'prep_job' | 'clean_job' | 'assign'>>;
  program: string | readonly string[] | undefined;
  programs: readonly string[];
  sections: ReadonlyMap<string, Pars>;
  files: Readonly<Record<string, ParFile>>;
  status: StatusFile;
  emitter: SectionEmitter;
  /** Program name for the history of files. */
  script: string;
}

export class SectionRun {
  readonly #parts: SectionRunParts;
  readonly #status: StatusFile;
  readonly #pieces: PiecesTable;
  readonly #plan: Plan;
  readonly #hosts: Hosts;
  readonly #porter: Porter;
  readonly #collection: Collection;
  readonly #cleaner: Cleaner;
  readonly #over = new Deferred<RunOutcome>();
  /** What each slot does, to its very end. */
  readonly #slot_work = new Map<number, Promise<void>>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #events: PlanEvent[] = [];
  readonly #background = new Set<Promise<unknown>>();
  #is_handling = false;
  #error: Error | undefined;

  constructor(parts: SectionRunParts) {
    this.#parts = parts;
    const { job, options, status, sections, files } = parts;
    this.#status = status;
    const notice = (level: number, text: string) => this.#notice(level, text);
    this.#pieces = new PiecesTable(status);
    const outputs = Object.values(files).filter(({ collect_it }) => collect_it);
    const seeds = seeds_of({ ...parts, pieces: this.#pieces, on_notice: notice });
    this.#plan = new Plan(
      {
        attempts: options.attempts,
        njobs: options.njobs ?? Infinity,
        redo: options.redo,
        collects: outputs.length === 0 ? 0 : COLLECTED_AT_ONCE,
        has_outputs: Object.values(files).some(({ usage }) => usage === 'OUTPUT'),
        tolerated: options.tolerated,
      },
      seeds,
    );
    this.#hosts = new Hosts(
      {
        job,
        scratch: options.scratch,
        folder: `${safe_name(options.jobname)}.${status.header.run_id}`,
        programs: parts.programs,
        min_free_bytes: options.min_free_bytes,
        host_timeout: options.host_timeout,
        probe_interval: options.probe_interval,
      },
      {
        on_slot_coming: (slot) => this.#tell({ kind: 'slot_coming', slot }),
        on_slot_up: (slot, host) => this.#tell({ kind: 'slot_up', slot, host }),
        on_slot_gone: (slot) => this.#on_slot_gone(slot),
        on_host_good: (host) => this.#on_host_good(host),
        on_host_benched: (host, reason) => this.#on_host_benched(host, reason),
        on_host_gone: (host) => this.#on_host_gone(host),
        on_no_more_hosts: (text) => this.#tell({ kind: 'no_more_hosts', text }),
        on_notice: notice,
      },
    );
    this.#porter = new Porter(this.#hosts, this.#pieces, notice);
    this.#collection = new Collection(files, sections.size, parts.script);
    this.#cleaner = new Cleaner(this.#hosts, status, files, this.#pieces);
  }

  /**
   * Runs the sections to their end.
   * @throws SectionFailedError (PARJOB_ERR_SECTION) when some are not done
   */
  async run(signal: AbortSignal | undefined): Promise<ParJobResult> {
    const looking = setInterval(() => this.#look_for_orders(), LOOK_FOR_ORDERS);
    const abort = () => this.#fail(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#look_for_orders();
      for (const [host, { state }] of this.#status.records.get('host') ?? [])
        if (state === 'drained') this.#tell({ kind: 'host_drained', host });
      this.#hosts.open();
      this.#carry_out(this.#plan.begin());
      const outcome = await this.#over.promise;
      return await this.#conclude(outcome);
    } finally {
      clearInterval(looking);
      signal?.removeEventListener('abort', abort);
      await Promise.allSettled(this.#slot_work.values());
      await Promise.allSettled(this.#background);
      await this.#hosts.close();
      await this.#collection.abort();
      this.#status.sync();
    }
  }

  async #conclude(outcome: RunOutcome): Promise<ParJobResult> {
    await Promise.allSettled(this.#slot_work.values());
    await Promise.allSettled(this.#background);
    const failed = this.#failed_sections();
    if (this.#error !== undefined) throw this.#error;
    const { options } = this.#parts;
    const is_good = outcome.is_complete && (failed.length === 0 || options.is_tolerant);
    const may_collect = is_good && (failed.length === 0 || options.partial);
    const may_collect_rest = options.partial && !is_good && this.#collection.has_something;
    const files = may_collect || may_collect_rest ? await this.#collection.finish(options.partial) : [];
    if (!is_good) {
      const left = this.#plan.sections.filter(({ state }) => state === 'todo').length;
      const rest = left === 0 ? '' : `; ${left} sections are left, which restart: true goes on with`;
      throw new SectionFailedError(`${outcome.reason ?? `${failed.length} sections failed`}${rest}`, failed);
    }
    const not_removed = await this.#cleaner.clean();
    this.#status.write('run', 'finished', { at: new Date().toISOString(), failed: failed.length });
    for (const { host, path, reason } of not_removed)
      this.#notice(0, `${path} on ${host} was not removed: ${reason}`);
    const done = this.#plan.sections.filter(({ state }) => state !== 'failed').map(({ id }) => id);
    return { done, failed, files, not_removed };
  }

  #failed_sections(): FailedSection[] {
    return this.#plan.sections
      .filter(({ state }) => state === 'failed')
      .map(({ id, error, failed_on, host, attempt }) => ({
        id,
        error: error ?? 'no reason is known',
        hosts: failed_on.length > 0 ? failed_on : host === undefined ? [] : [host],
        log_file: attempt === 0 ? undefined : log_file_of(this.#parts.options, id, attempt),
      }));
  }

  /** Something that no section is to blame for, and that nobody can go on after. */
  #fail(error: Error): void {
    this.#error ??= error;
    for (const controller of this.#controllers.values()) controller.abort(error);
    this.#over.resolve({ is_complete: false, reason: error.message });
  }

  #notice(level: number, text: string): void {
    this.#parts.emitter.emit('notice', { level, text });
    if (level <= this.#parts.options.verb) process.stderr.write(`parjob: ${text}\n`);
  }

  // ---- events and orders

  #tell(event: PlanEvent): void {
    this.#events.push(event);
    if (this.#is_handling) return;
    this.#is_handling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift())
        this.#carry_out(this.#plan.handle(next));
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#is_handling = false;
    }
  }

  #carry_out(orders: readonly PlanOrder[]): void {
    // what is built on a state comes after it is written down
    for (const order of orders) if (order.kind === 'note_section') this.#note_section(order.id);
    for (const order of orders) {
      switch (order.kind) {
        case 'run_section':
          this.#run_section(order);
          break;
        case 'abort_section':
          this.#controllers.get(order.slot)?.abort(new Error(order.reason));
          break;
        case 'collect_section':
          this.#in_background(this.#collect(order.id, order.host));
          break;
        case 'probe_host':
          this.#in_background(this.#hosts.probe(order.host));
          break;
        case 'end_run':
          this.#over.resolve(order.outcome);
          break;
        case 'note_section':
          break;
        default:
          order satisfies never;
      }
    }
  }

  #in_background(work: Promise<unknown>): void {
    const watched = work
      .catch((error: Error) => this.#fail(error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  #note_section(id: string): void {
    const section = this.#plan.section(id);
    if (section === undefined) return;
    const { state, attempt, failures, losses, host, failed_on, error } = section;
    const facts = { state, attempt, failures, losses, host: host ?? null, failed_on, error: error ?? null };
    this.#status.write('section', id, facts);
    if (state === 'failed') {
      this.#notice(0, `section ${id} is given up: ${error}`);
      this.#parts.emitter.emit('section_given_up', { id, text: error ?? '' });
    }
  }

  // ---- hosts

  #on_slot_gone(slot: number): void {
    const section = this.#plan.sections.find((other) => other.slot === slot && is_under_way(other.state));
    this.#tell({ kind: 'slot_gone', slot });
    if (section === undefined) return;
    const { id, attempt, host = '' } = section;
    const text = 'its slave was lost';
    this.#parts.emitter.emit('section_failed', { id, attempt, host, why: 'lost', text });
  }

  #on_host_good(host: string): void {
    this.#parts.emitter.emit('host_good', { host });
    this.#note_host(host, { state: 'good', reason: null, folder: this.#hosts.folder_of(host) });
    this.#in_background(this.#cleaner.remove_garbage(host));
    this.#tell({ kind: 'host_good', host });
  }

  #on_host_benched(host: string, reason: string): void {
    this.#parts.emitter.emit('host_benched', { host, reason });
    this.#note_host(host, { state: 'benched', reason });
    this.#tell({ kind: 'host_benched', host, reason });
  }

  #on_host_gone(host: string): void {
    this.#parts.emitter.emit('host_gone', { host });
    this.#note_host(host, { state: 'gone' });
    if (this.#parts.options.redo)
      for (const piece of this.#pieces.of_host(host))
        if (piece.state === 'present') this.#pieces.spoil(piece.id);
    this.#tell({ kind: 'host_gone', host });
  }

  #note_host(host: string, fields: Record<string, unknown>): void {
    const before = this.#status.record('host', host);
    if (before?.['state'] === 'drained' && fields['state'] === 'good') return;
    if (Object.entries(fields).every(([name, value]) => (before?.[name] ?? null) === value)) return;
    this.#status.write('host', host, fields);
  }

  // ---- what people want

  #look_for_orders(): void {
    for (const order of take_orders(this.#status.file, (text) => this.#notice(0, text))) this.#obey(order);
  }

  #obey(order: Order): void {
    this.#notice(1, `by hand: ${Object.values(order).join(' ')}`);
    if (order.kind === 'set_section') {
      this.#tell({ kind: 'section_set', id: order.id, state: order.state });
    } else if (order.kind === 'drain_host') {
      this.#status.write('host', order.host, { state: 'drained' });
      this.#tell({ kind: 'host_drained', host: order.host });
    } else {
      this.#status.write('host', order.host, { state: 'good' });
      this.#tell({ kind: 'host_released', host: order.host });
    }
  }

  // ---- sections

  #run_section({ id, attempt, slot, host }: Extract<PlanOrder, { kind: 'run_section' }>): void {
    const controller = new AbortController();
    const before = this.#slot_work.get(slot) ?? Promise.resolve();
    this.#controllers.set(slot, controller);
    this.#parts.emitter.emit('section_sent', { id, attempt, host });
    this.#notice(1, `section ${id} goes to ${host}, attempt ${attempt}`);
    const work = before.then(() => this.#attempt(id, attempt, slot, host, controller.signal));
    this.#slot_work.set(
      slot,
      work.catch((error: Error) => this.#fail(error)),
    );
  }

  async #attempt(id: string, number: number, slot: number, host: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { emitter } = this.#parts;
    const line = this.#hosts.line_of(slot);
    const index = this.#plan.section(id)?.index as number;
    const who = { id, attempt: number, host };
    try {
      if (line === undefined) throw new AttemptFailure('lost', 'its slave was lost');
      const attempt = new Attempt(
        { ...this.#parts, hosts: this.#hosts, porter: this.#porter, pieces: this.#pieces, line },
        { id, index, attempt: number, host },
        {
          on_started: (pid) => {
            emitter.emit('section_started', { ...who, pid });
            this.#tell({ kind: 'section_started', id, attempt: number });
          },
          on_progress: (done, total) => emitter.emit('section_progress', { ...who, done, total }),
          on_checkpoint: (text) => emitter.emit('section_checkpoint', { ...who, text }),
          on_notice: (level, text) => this.#notice(level, text),
        },
      );
      const run_ms = await attempt.run(signal);
      // the run may have been ended, and with it this attempt
      if (!this.#is_current(id, number)) return;
      this.#notice(1, `section ${id} has finished on ${host}`);
      emitter.emit('section_finished', { ...who, run_ms });
      this.#tell({ kind: 'section_finished', id, attempt: number });
    } catch (error) {
      if (!this.#is_current(id, number)) return;
      const is_lost = line?.is_open !== true;
      const why: FailureKind = is_lost ? 'lost' : error instanceof AttemptFailure ? error.why : 'transfer';
      const text = (error as Error).message;
      this.#notice(1, `section ${id} failed on ${host}, attempt ${number} (${why}): ${text}`);
      emitter.emit('section_failed', { ...who, why, text });
      this.#tell({ kind: 'section_failed', id, attempt: number, why, text });
    }
  }

  #is_current(id: string, attempt: number): boolean {
    const section = this.#plan.section(id);
    return section !== undefined && section.attempt === attempt && is_under_way(section.state);
  }

  // ---- outputs

  async #collect(id: string, host: string): Promise<void> {
    const section = this.#plan.section(id);
    if (section === undefined) return;
    for (let tries = 1; ; tries++) {
      try {
        await this.#collection.collect(section.index, (key) => {
          const piece = this.#pieces.get(Porter.output_id(key, id, section.attempt));
          if (piece?.state !== 'present')
            throw new LostOutput(`output ${key} of section ${id} is not on ${host}`);
          return this.#porter.fetch(piece, this.#parts.files[key]?.far_format);
        });
        this.#notice(2, `section ${id} is collected`);
        this.#parts.emitter.emit('section_collected', { id });
        return this.#tell({ kind: 'section_collected', id });
      } catch (error) {
        if (this.#error !== undefined) return;
        const text = (error as Error).message;
        this.#notice(1, `section ${id} could not be collected from ${host}: ${text}`);
        const is_lost = error instanceof LostOutput;
        const is_up = this.#hosts.is_up(host);
        // an error of the files here, not of the way to them
        if (!is_lost && is_up && is_local_error(error)) throw error;
        if (!is_lost && is_up && tries < COLLECT_TRIES) continue;
        return this.#tell({ kind: 'collect_failed', id, is_lost: is_lost || is_up, text });
      }
    }
  }
}

/** The disk of the master is full, a piece is not in its format, and the like. */
function is_local_error(error: unknown): boolean {
  const { code } = error as { code?: string };
  if (error instanceof ParjobError) return code === 'PARJOB_ERR_USAGE' || code === 'PARJOB_ERR_STATE';
  return code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS' || code === 'EDQUOT';
}
