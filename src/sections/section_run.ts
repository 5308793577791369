/**
 * SectionRun: one run of the sections of a ParJob. It tells the plan what has happened and carries out what that
 * orders; the only place where decisions meet hosts, files and the status file.
 *
 *     hosts ─▶ events ─▶ plan ─▶ orders ─▶ attempts (inputs, program, outputs) ─▶ events
 *                                      └─▶ collection ─▶ joiners ─▶ files of the master
 */
import { existsSync } from 'node:fs';
import { Deferred } from '../base/deferred.js';
import { thrown_text } from '../base/thrown_text.js';
import { type FailedSection, ParjobError, SectionFailedError } from '../errors.js';
import type { Job } from '../master/job.js';
import { Attempt } from './attempt.js';
import { AttemptFailure } from './attempt_failure.js';
import { Cleaner } from './cleaner.js';
import { BadOutput, Collection } from './collection.js';
import { Hosts } from './hosts.js';
import { type Order, take_orders } from './orders.js';
import type { ParFile } from './par_file.js';
import type { ParJobHooks, ResolvedParJobOptions } from './par_job_options.js';
import type { Pars } from './pars.js';
import { PiecesTable } from './pieces_table.js';
import { Plan } from './plan.js';
import type { FailureKind, PlanEvent, PlanOrder, RunOutcome } from './plan_events.js';
import { LostOutput, Porter } from './porter.js';
import { NoRoom } from './room.js';
import { safe_name } from './safe_name.js';
import type { SectionEmitter } from './section_events.js';
import { log_file_of, NO_CHECKPOINT, seeds_of } from './section_records.js';
import { is_under_way } from './section_state.js';
import type { StatusFile } from './status_file.js';
import { type Addition, type SumFile, SumsTable } from './sums_table.js';

/** How often it is looked whether a person wants something, ms. */
const LOOK_FOR_ORDERS = 250;
/** Sections that are collected at once. */
const COLLECTED_AT_ONCE = 4;
/** Tries to collect a section from a host that is there. */
const COLLECT_TRIES = 3;
/** Sums that a slot makes of its sections: one that is lost with its host takes so small a part of the work with it. */
const SUMS_OF_SLOT = 4;

/** What becomes of the outputs of a run that tolerates failures. */
const NOT_COLLECTED =
  'partial: true collects what there is. All outputs stay on their hosts, where restart: true goes on with them';
/** Orders that begin something. */
const BEGINS: ReadonlySet<PlanOrder['kind']> = new Set([
  'run_section',
  'collect_section',
  'collect_sum',
  'probe_host',
]);

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
  readonly #sums: SumsTable;
  readonly #plan: Plan;
  readonly #hosts: Hosts;
  readonly #porter: Porter;
  readonly #collection: Collection;
  readonly #cleaner: Cleaner;
  readonly #over = new Deferred<RunOutcome>();
  /** What each slot does, to its very end. */
  readonly #slot_work = new Map<number, Promise<void>>();
  /** The same for each section that is under way, or was taken from its slot. */
  readonly #section_work = new Map<string, Promise<void>>();
  readonly #controllers = new Map<number, AbortController>();
  readonly #events: PlanEvent[] = [];
  readonly #background = new Set<Promise<unknown>>();
  #is_handling = false;
  #error: unknown;
  #was_full = false;

  constructor(parts: SectionRunParts) {
    this.#parts = parts;
    const { job, options, status, sections, files } = parts;
    this.#status = status;
    const notice = (level: number, text: string) => this.#notice(level, text);
    this.#pieces = new PiecesTable(status);
    const outputs = Object.values(files).filter(({ collect_it }) => collect_it);
    const summed = outputs.filter(({ is_summed }) => is_summed);
    const can_add = summed.every(({ format_name }) => format_name !== undefined);
    this.#sums = new SumsTable(status, can_add);
    const seeds = seeds_of({ ...parts, pieces: this.#pieces, sums: this.#sums, on_notice: notice });
    const slots = Math.max(1, Math.min(job.length, options.njobs ?? Infinity));
    const in_sum = can_add ? Math.ceil(sections.size / slots / SUMS_OF_SLOT) : 1;
    this.#plan = new Plan(
      {
        attempts: options.attempts,
        njobs: options.njobs ?? Infinity,
        redo: options.redo,
        collects: outputs.length === 0 ? 0 : COLLECTED_AT_ONCE,
        sections_in_sum: summed.length === 0 ? 0 : in_sum,
        has_pieces: outputs.length > summed.length,
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
    const added = [...(status.records.get('file') ?? [])].map(([key, fields]) => [key, fields['added']]);
    this.#collection = new Collection(
      files,
      sections.size,
      parts.script,
      new Map(added as [string, string][]),
    );
    this.#cleaner = new Cleaner(this.#hosts, status, files, this.#pieces);
    for (const { id, state } of this.#plan.sections) if (state === 'finished') this.#note_pieces(id);
  }

  /**
   * Runs the sections to their end.
   * @throws SectionFailedError (PARJOB_ERR_SECTION) when some are not done
   */
  async run(signal: AbortSignal | undefined): Promise<ParJobResult> {
    const looking = setInterval(() => this.#look_for_orders(), LOOK_FOR_ORDERS);
    const abort = () => this.#fail(signal?.reason);
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
    const files = may_collect || may_collect_rest ? await this.#finish_files(is_good, failed) : [];
    if (!is_good) {
      const left = this.#plan.sections.filter(({ state }) => state === 'todo').length;
      const are_left = left === 1 ? '1 section is' : `${left} sections are`;
      const rest = left === 0 ? '' : `; ${are_left} left, which restart: true goes on with`;
      const have_failed = failed.length === 1 ? '1 section failed' : `${failed.length} sections failed`;
      throw new SectionFailedError(`${outcome.reason ?? have_failed}${rest}`, failed);
    }
    const done = this.#plan.sections.filter(({ state }) => state !== 'failed').map(({ id }) => id);
    if (!may_collect && this.#collection.has_something) {
      this.#notice(0, `nothing is collected, as ${failed.length} sections failed: ${NOT_COLLECTED}`);
      return { done, failed, files, not_removed: [] };
    }
    const removals = this.#cleaner.note_removals();
    // before anything is removed: a master that dies on the way must not find that all has to be made again
    this.#status.write('run', 'finished', { at: new Date().toISOString(), failed: failed.length });
    const not_removed = await this.#cleaner.clean(removals);
    for (const { id } of [...this.#sums]) this.#sums.drop(id);
    for (const { host, path, reason } of not_removed)
      this.#notice(0, `${path} on ${host} was not removed: ${reason}`);
    return { done, failed, files, not_removed };
  }

  async #finish_files(is_over: boolean, failed: readonly FailedSection[]): Promise<string[]> {
    const { partial } = this.#parts.options;
    try {
      return await this.#collection.finish({ partial, is_over }, (key, added) =>
        this.#status.write('file', key, { added }),
      );
    } catch (error) {
      if (error instanceof NoRoom) throw new SectionFailedError(error.message, failed);
      throw error;
    }
  }

  #failed_sections(): FailedSection[] {
    return this.#plan.sections
      .filter(({ state }) => state === 'failed')
      .map(({ id, error, failed_on, host, attempt }) => ({
        id,
        error: error ?? 'no reason is known',
        hosts: failed_on.length > 0 ? failed_on : host === undefined ? [] : [host],
        log_file: this.#log_file_of(id, attempt),
      }));
  }

  /** Undefined when the program of that attempt was never started. */
  #log_file_of(id: string, attempt: number): string | undefined {
    const file = log_file_of(this.#parts.options, id, attempt);
    return attempt > 0 && existsSync(file) ? file : undefined;
  }

  /** Something that no section is to blame for, and that nobody can go on after. */
  #fail(error: unknown): void {
    this.#error ??= error;
    for (const controller of this.#controllers.values()) controller.abort(error);
    try {
      this.#carry_out(this.#plan.stop(thrown_text(error)));
    } catch {
      // the first error is the one that is told; it may be that the status file cannot be written
    }
    this.#over.resolve({ is_complete: false, reason: thrown_text(error) });
  }

  #notice(level: number, text: string): void {
    this.#parts.emitter.emit('notice', { level, text });
    const { verb } = this.#parts.options;
    // with 0 the first line has to do; what the programs printed is in their logs
    const shown = verb > 0 ? text : text.split('\n', 1)[0];
    if (level <= verb) process.stderr.write(`parjob: ${shown}\n`);
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
      this.#fail(error);
    } finally {
      this.#is_handling = false;
    }
  }

  #carry_out(orders: readonly PlanOrder[]): void {
    // what is built on a state comes after it is written down
    for (const order of orders)
      if (order.kind === 'note_section') this.#note_section(order.id);
      else if (order.kind === 'drop_sum') this.#drop_sum(order.sum);
    for (const order of orders) {
      // whoever was told of the first ones may have ended the run
      if (this.#error !== undefined && BEGINS.has(order.kind)) continue;
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
        case 'close_sum':
          this.#sums.close(order.sum);
          break;
        case 'collect_sum':
          this.#in_background(this.#collect_sum(order.sum, order.host));
          break;
        case 'probe_host':
          this.#in_background(this.#hosts.probe(order.host));
          break;
        case 'end_run':
          this.#over.resolve(order.outcome);
          break;
        case 'note_section':
        case 'drop_sum':
          break;
        default:
          order satisfies never;
      }
    }
  }

  #in_background(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  #note_section(id: string): void {
    const section = this.#plan.section(id);
    if (section === undefined) return;
    const { state, attempt, failures, losses, host, failed_on, error } = section;
    const facts = { state, attempt, failures, losses, host: host ?? null, failed_on, error: error ?? null };
    // in one line: a master that dies before it goes on from the checkpoint, one that dies after it has the outputs
    const is_done = state === 'finished' || state === 'collected';
    this.#status.write('section', id, is_done ? { ...facts, ...NO_CHECKPOINT } : facts);
    if (state === 'failed') {
      // all that is known was told when it failed
      this.#notice(0, `section ${id} is given up: ${error?.split('\n', 1)[0]}`);
      this.#parts.emitter.emit('section_given_up', { id, text: error ?? '' });
    }
  }

  #drop_sum(id: string): void {
    const sum = this.#sums.get(id);
    if (sum === undefined) return;
    this.#sums.drop(id);
    this.#notice(1, `the sum of ${sum.count} sections on ${sum.host} does not count any more`);
    if (this.#hosts.is_up(sum.host))
      this.#hosts.call(sum.host, 'remove_paths', [sum.files.map(({ path }) => path)]).catch(() => {});
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
    // it stays drained until a person says otherwise, whatever else becomes of it
    const noted = before?.['state'] === 'drained' ? { ...fields, state: 'drained' } : fields;
    if (Object.entries(noted).every(([name, value]) => (before?.[name] ?? null) === value)) return;
    this.#status.write('host', host, noted);
  }

  // ---- what people want

  #look_for_orders(): void {
    for (const order of take_orders(this.#status.file, (text) => this.#notice(0, text))) this.#obey(order);
  }

  #obey(order: Order): void {
    this.#notice(1, `by hand: ${Object.values(order).join(' ')}`);
    if (order.kind === 'set_section') {
      const section = this.#plan.section(order.id);
      if (section === undefined) return this.#notice(0, `by hand: there is no section ${order.id}`);
      const { state, is_being_collected, sum } = section;
      if (state === 'collected' || is_being_collected || sum?.is_being_collected === true)
        return this.#notice(
          0,
          `by hand: section ${order.id} stays as it is, since its outputs are in the whole already: end this run, set it, and go on with restart`,
        );
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
    // its program may still be about to end, if it was taken from another slot
    const before = Promise.all([this.#slot_work.get(slot), this.#section_work.get(id)]);
    this.#controllers.set(slot, controller);
    const work = before.then(() => this.#attempt(id, attempt, slot, host, controller.signal));
    const settled = work
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        if (this.#section_work.get(id) === settled) this.#section_work.delete(id);
      });
    this.#slot_work.set(slot, settled);
    this.#section_work.set(id, settled);
  }

  async #attempt(id: string, number: number, slot: number, host: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { emitter } = this.#parts;
    const line = this.#hosts.line_of(slot);
    const index = this.#plan.section(id)?.index as number;
    const who = { id, attempt: number, host };
    // now that whatever had the slot before has ended
    emitter.emit('section_sent', who);
    this.#notice(1, `section ${id} goes to ${host}, attempt ${number}`);
    try {
      if (line === undefined) throw new AttemptFailure('lost', 'its slave was lost');
      const attempt = new Attempt(
        {
          ...this.#parts,
          hosts: this.#hosts,
          porter: this.#porter,
          pieces: this.#pieces,
          sums: this.#sums,
          line,
        },
        { id, index, attempt: number, host, slot },
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
      const { run_ms, addition, tidy } = await attempt.run(signal);
      // the run may have been ended, and with it this attempt. From here to the plan there is no pause, so that a
      // section is in a sum if and only if the plan knows it
      if (!this.#is_current(id, number)) return;
      const sum = addition === undefined ? undefined : this.#commit(addition);
      this.#note_pieces(id);
      this.#tell({ kind: 'section_finished', id, attempt: number, sum });
      tidy();
      this.#notice(1, `section ${id} has finished on ${host}`);
      emitter.emit('section_finished', { ...who, run_ms });
    } catch (error) {
      if (!this.#is_current(id, number)) return;
      const is_lost = line?.is_open !== true;
      const why: FailureKind = is_lost ? 'lost' : error instanceof AttemptFailure ? error.why : 'transfer';
      const text = (error as Error).message;
      const level = why === 'program' ? 0 : 1;
      this.#notice(level, `section ${id} failed on ${host}, attempt ${number} (${why}): ${text}`);
      emitter.emit('section_failed', { ...who, why, text });
      this.#tell({ kind: 'section_failed', id, attempt: number, why, text });
    }
  }

  #commit(addition: Addition): string {
    const id = this.#sums.commit(addition);
    if (id === undefined)
      throw new AttemptFailure('transfer', 'the sum that it was added to was closed meanwhile');
    return id;
  }

  #is_current(id: string, attempt: number): boolean {
    const section = this.#plan.section(id);
    return section !== undefined && section.attempt === attempt && is_under_way(section.state);
  }

  // ---- outputs

  /** Says how large the outputs of a section are, so that it is known how much room is needed. */
  #note_pieces(id: string): void {
    const { index = 0, attempt = 0 } = this.#plan.section(id) ?? {};
    for (const [key, file] of Object.entries(this.#parts.files)) {
      if (file.usage !== 'OUTPUT' || file.is_summed) continue;
      const bytes = this.#pieces.get(Porter.output_id(key, id, attempt))?.files[0]?.size;
      if (bytes !== undefined) this.#collection.note_piece(key, index, bytes);
    }
  }

  /** Sections that have not failed. */
  get #count(): number {
    return this.#plan.sections.length - this.#plan.failed_count;
  }

  async #collect(id: string, host: string): Promise<void> {
    const section = this.#plan.section(id);
    if (section === undefined) return;
    const fetch = (key: string) => {
      const piece = this.#pieces.get(Porter.output_id(key, id, section.attempt));
      const file = piece?.state === 'present' ? piece.files[0] : undefined;
      if (file === undefined) throw new LostOutput(`output ${key} of section ${id} is not on ${host}`);
      return this.#porter.fetch(host, file, this.#parts.files[key]?.far_format);
    };
    const failure = await this.#try_to_collect(`section ${id}`, host, () =>
      this.#collection.collect(section.index, this.#count, fetch),
    );
    if (failure !== undefined) return this.#tell({ kind: 'collect_failed', id, ...failure });
    this.#tell({ kind: 'section_collected', id });
    if (section.state === 'collected') this.#on_collected(id);
  }

  async #collect_sum(id: string, host: string): Promise<void> {
    const sum = this.#sums.get(id);
    if (sum === undefined) return;
    const members = this.#plan.members_of(id);
    const indexes = members.map(({ index }) => index);
    for (const { file, size } of sum.files) this.#collection.note_piece(file, Math.min(...indexes), size);
    const fetch = (key: string) => {
      const file = sum.files.find((other) => other.file === key) as SumFile;
      const format = file.is_wide ? undefined : this.#parts.files[key]?.far_format;
      return { chunks: this.#porter.fetch(host, file, format), is_wide: file.is_wide };
    };
    const failure = await this.#try_to_collect(`the sum of ${sum.count} sections`, host, () =>
      this.#collection.collect_sum(indexes, this.#count, fetch),
    );
    if (failure !== undefined) return this.#tell({ kind: 'sum_failed', sum: id, ...failure });
    this.#tell({ kind: 'sum_collected', sum: id });
    for (const section of members) this.#on_collected(section.id);
  }

  #on_collected(id: string): void {
    this.#was_full = false;
    this.#notice(2, `section ${id} is collected`);
    this.#parts.emitter.emit('section_collected', { id });
  }

  /** @returns why it did not go; undefined when it did. @throws what nobody can go on after */
  async #try_to_collect(
    what: string,
    host: string,
    collect: () => Promise<void>,
  ): Promise<{ is_lost: boolean; is_bad: boolean; text: string } | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        await collect();
        return undefined;
      } catch (error) {
        const text = (error as Error).message;
        if (this.#error !== undefined) return { is_lost: false, is_bad: false, text };
        if (error instanceof NoRoom) {
          // the sections go on meanwhile
          if (!this.#was_full) this.#notice(0, text);
          this.#was_full = true;
          this.#tell({ kind: 'no_room', text });
          return { is_lost: false, is_bad: false, text };
        }
        this.#notice(1, `${what} could not be collected from ${host}: ${text}`);
        if (error instanceof BadOutput) return { is_lost: false, is_bad: true, text };
        const is_lost = error instanceof LostOutput;
        const is_up = this.#hosts.is_up(host);
        // an error of the files here, not of the way to them
        if (!is_lost && is_up && is_local_error(error)) throw error;
        if (!is_lost && is_up && tries < COLLECT_TRIES) continue;
        return { is_lost: is_lost || is_up, is_bad: false, text };
      }
    }
  }
}

/** The folder of the master cannot be written, and the like. */
function is_local_error(error: unknown): boolean {
  const { code } = error as { code?: string };
  if (error instanceof ParjobError) return code === 'PARJOB_ERR_USAGE' || code === 'PARJOB_ERR_STATE';
  return code === 'EACCES' || code === 'EROFS';
}
