/**
 * ParJob: a serial program, run once for each of many sections of data, on many hosts. What users hold; after the
 * parallel jobs of SEP. What goes on in a run is section_run.ts.
 */
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { thrown_text } from '../base/thrown_text.js';
import { StateError, UsageError } from '../errors.js';
import { Job } from '../master/job.js';
import { local_slaves } from '../master/local_slave.js';
import { ssh_slaves } from '../master/remote/ssh_slave.js';
import type { Slave } from '../master/slave.js';
import { check_places, type SectionCommand } from './command.js';
import { CopyFile } from './copy_file.js';
import type { ParFile } from './par_file.js';
import {
  check_work,
  type ParJobOptions,
  type ResolvedParJobOptions,
  resolve_par_job_options,
  type SectionContext,
  sections_of,
} from './par_job_options.js';
import type { RunOutcome } from './plan_events.js';
import { SectionEmitter, type SectionEvent, type SectionListener } from './section_events.js';
import type { ParJobResult } from './section_run.js';
import type { StatusFile } from './status_file.js';

/**
 * The jobs of runs that are over, by their slaves: those that were given may be used in another run, and until then tell
 * how they ended.
 */
const stopped_in = new WeakMap<Slave, Job>();
/** Key of the file that `ship` adds. */
const SHIPPED = 'program';

/**
 * A serial program over sections of data, on many hosts.
 *
 * @example
 * const queries = new SplitFile({ name: 'queries.fa', usage: 'INPUT', tag: '-query' });
 * const hits = new SplitFile({ name: 'hits.tsv', usage: 'OUTPUT', format: 'LINES', tag: '>' });
 * const parjob = new ParJob({ sect_pars: 20, files: { queries, hits }, program: ['blastn', '-db', 'nt'], restart: true });
 * await parjob.run();
 */
export class ParJob {
  /** Sections and their parameters, in the order in which they run. May be changed between runs. */
  sect_pars: ParJobOptions['sect_pars'];
  /** Name to file. One may be exchanged between runs. */
  files: Record<string, ParFile>;
  /** The serial program: its path, or its words. May be changed between runs. */
  program: string | readonly string[] | undefined;
  readonly #given: ParJobOptions;
  readonly #options: ResolvedParJobOptions;
  readonly #emitter = new SectionEmitter();
  #job: Job | undefined;
  #is_running = false;
  /** That of the run that is going on, for whoever looks on. */
  #status: StatusFile | undefined;

  /** @throws UsageError (PARJOB_ERR_USAGE) for an option that cannot be */
  constructor(options: ParJobOptions) {
    this.#options = resolve_par_job_options(options);
    this.#given = options;
    this.sect_pars = options.sect_pars;
    this.files = { ...options.files };
    this.program = options.program;
  }

  // ---- what a subclass may override, or an option give

  /** What is run for a section: words of a program, or of each stage of a pipeline. */
  command_func(section: SectionContext): SectionCommand | Promise<SectionCommand> {
    const { command_func } = this.#given;
    return command_func === undefined ? section.command() : command_func.call(this.#given, section);
  }

  /** Before anything of a run: may still change sections and files. */
  prep_run(restart: boolean): void | Promise<void> {
    return this.#given.prep_run?.(restart);
  }

  /** On the master, before the program of a section starts. What it throws is a failure of the section. */
  prep_job(section: SectionContext): void | Promise<void> {
    return this.#given.prep_job?.(section);
  }

  /** On the master, after it has ended well. What it throws is a failure of the section. */
  clean_job(section: SectionContext): void | Promise<void> {
    return this.#given.clean_job?.(section);
  }

  /** The only host that may run a section; undefined: any. */
  assign(id: string, index: number): string | undefined {
    return this.#given.assign?.(id, index);
  }

  /** When the run is over, however it ended. */
  end_run(outcome: RunOutcome): void | Promise<void> {
    return this.#given.end_run?.(outcome);
  }

  // ---- runs

  /**
   * Runs all sections and collects their outputs.
   * @throws SectionFailedError (PARJOB_ERR_SECTION) when some are not done; restart: true goes on from there
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when the status file cannot be used
   * @throws UsageError (PARJOB_ERR_USAGE) for files that cannot be read or split
   * @throws StateError (PARJOB_ERR_STATE) when a run is going on
   * @throws the reason of `signal`, when that is aborted; restart: true goes on from there
   */
  async run(
    run_options: { restart?: boolean | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<ParJobResult> {
    if (this.#is_running) throw new StateError('run: a run of this ParJob is going on: await its end first');
    this.#is_running = true;
    const { signal } = run_options;
    const restart = run_options.restart ?? this.#options.restart;
    let outcome: RunOutcome = { is_complete: false, reason: 'the run did not begin' };
    try {
      signal?.throwIfAborted();
      await this.prep_run(restart);
      const result = await this.#run(restart, signal);
      outcome = { is_complete: true, reason: undefined };
      return result;
    } catch (error) {
      outcome = { is_complete: false, reason: thrown_text(error) };
      throw error;
    } finally {
      this.#is_running = false;
      if (!this.#options.keep_slaves) await this.stop();
      await this.#end_run(outcome);
    }
  }

  /** @throws what end_run throws, unless the run has an error of its own, which must not be lost for it */
  async #end_run(outcome: RunOutcome): Promise<void> {
    try {
      await this.end_run(outcome);
    } catch (error) {
      if (outcome.is_complete) throw error;
      this.#notice(`end_run threw: ${thrown_text(error)}`);
    }
  }

  #notice(text: string): void {
    this.#emitter.emit('notice', { level: 0, text });
    if (this.#options.verb >= 0) process.stderr.write(`parjob: ${text}\n`);
  }

  async #run(restart: boolean, signal: AbortSignal | undefined): Promise<ParJobResult> {
    check_work({ sect_pars: this.sect_pars, files: this.files, program: this.program });
    const sections = sections_of(this.sect_pars);
    const { files, program } = this.#shipped();
    const has_command =
      this.#given.command_func !== undefined || this.command_func !== ParJob.prototype.command_func;
    if (program === undefined && !has_command)
      throw new UsageError('ParJob: program must be given, or command_func');
    check_places(has_command ? undefined : program, files, this.#options.par_style);
    // one after the other: a file may be as long as another, which is then known
    for (const file of Object.values(files)) await file.open(sections.size);
    const { open_status, SectionRun } = await import('./run_tools.js');
    // what was awaited may have taken its time
    signal?.throwIfAborted();
    const { status_file, jobname } = this.#options;
    // before the status file, which moves that of another run away: a run that cannot begin leaves all as it is
    const job = this.#open_job();
    const status = open_status(status_file, jobname, restart, (text) => this.#notice(text));
    this.#status = status;
    try {
      const run = new SectionRun({
        job,
        options: this.#options,
        hooks: {
          command_func: (section) => this.command_func(section),
          prep_job: (section) => this.prep_job(section),
          clean_job: (section) => this.clean_job(section),
          assign: (id, index) => this.assign(id, index),
        },
        program,
        programs: has_command || this.#options.ship ? [] : ([program].flat().slice(0, 1) as string[]),
        sections,
        files,
        status,
        emitter: this.#emitter,
        script: basename(process.argv[1] ?? 'parjob'),
      });
      return await run.run(signal);
    } finally {
      status.close();
    }
  }

  /** With `ship` the program is a file that goes to each host. */
  #shipped(): { files: Record<string, ParFile>; program: string | readonly string[] | undefined } {
    const { files, program } = this;
    if (!this.#options.ship || program === undefined) return { files, program };
    const [name = '', ...words] = [program].flat() as string[];
    if (files[SHIPPED] !== undefined)
      throw new UsageError(`ParJob: with ship the file name '${SHIPPED}' is taken: use another`);
    const shipped = new CopyFile({ name, usage: 'INPUT', format: 'FIXED:1' });
    return { files: { ...files, [SHIPPED]: shipped }, program: [`{${SHIPPED}}`, ...words] };
  }

  #open_job(): Job {
    if (this.#job !== undefined) return this.#job;
    const { jobname, log_dir, job } = this.#options;
    mkdirSync(log_dir, { recursive: true });
    // what happens to slaves the run tells itself, by `verb`; the lines of the Job are for those who ask for them
    const log_level = job.logger === undefined ? 'silent' : undefined;
    this.#job = new Job(this.#slaves(), { jobname, log_dir, log_level, ...job });
    // the dashboard has a page of sections for a job that has this
    Object.defineProperty(this.#job, 'section_records', { value: () => this.#status?.records });
    return this.#job;
  }

  #slaves(): readonly Slave[] {
    const { slaves, mfile } = this.#options;
    if (slaves !== undefined) {
      // out of their former job, which is over, they may go into another one
      for (const slave of slaves) stopped_in.get(slave)?.splice(0);
      return slaves;
    }
    return mfile === undefined ? local_slaves() : ssh_slaves(mfile);
  }

  /** Ends the slaves that are kept for another run. */
  async stop(): Promise<void> {
    const job = this.#job;
    this.#job = undefined;
    await job?.stop();
    for (const slave of job ?? []) stopped_in.set(slave, job as Job);
  }

  /** As stop: `await using parjob = new ParJob(...)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Calls `listener` with every event of that name: see SectionEvents.
   * @throws UsageError (PARJOB_ERR_USAGE) for a name that no event has, or what is no function
   */
  on<E extends SectionEvent>(name: E, listener: SectionListener<E>): this {
    this.#emitter.on(name, listener);
    return this;
  }

  /** Takes a listener out again. */
  off<E extends SectionEvent>(name: E, listener: SectionListener<E>): this {
    this.#emitter.off(name, listener);
    return this;
  }
}
