/**
 * Attempt: one start of a section on a host. It brings the inputs there, and what an earlier attempt has begun; runs
 * the program; and when that has ended well it records the outputs, or adds them to the sum of its slot.
 */
import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { Deferred } from '../base/deferred.js';
import { thrown_text } from '../base/thrown_text.js';
import { add_up, type Output } from './adding.js';
import { AttemptFailure } from './attempt_failure.js';
import { default_command, redirections, type SectionFile, stages_of } from './command.js';
import type { ProgramEnd, ProgramNote, ProgramOrder, Stage } from './far/messages.js';
import type { Hosts } from './hosts.js';
import type { Line } from './line.js';
import type { ParFile } from './par_file.js';
import type { ParJobHooks, ResolvedParJobOptions, SectionContext } from './par_job_options.js';
import { Pars } from './pars.js';
import type { PiecesTable } from './pieces_table.js';
import { Porter } from './porter.js';
import { safe_name } from './safe_name.js';
import { log_file_of, NO_CHECKPOINT, type SectionFields } from './section_records.js';
import type { StatusFile } from './status_file.js';
import type { Addition, SumsTable } from './sums_table.js';

export interface AttemptParts {
  options: ResolvedParJobOptions;
  hooks: Required<Pick<ParJobHooks, 'command_func' | 'prep_job' | 'clean_job'>>;
  program: string | readonly string[] | undefined;
  sections: ReadonlyMap<string, Pars>;
  files: Readonly<Record<string, ParFile>>;
  status: StatusFile;
  hosts: Hosts;
  porter: Porter;
  pieces: PiecesTable;
  sums: SumsTable;
  line: Line;
}

export interface AttemptEvents {
  on_started(pid: number): void;
  on_progress(done: number, total: number | undefined): void;
  on_checkpoint(text: string): void;
  on_notice(level: number, text: string): void;
}

interface Who {
  id: string;
  index: number;
  attempt: number;
  host: string;
  slot: number;
}

/** How an attempt that ended well has ended. */
export interface AttemptEnd {
  /** Time that the program ran. */
  run_ms: number;
  /** What is to be written down for its outputs to count in a sum; undefined when none is added up. */
  addition: Addition | undefined;
  /** Removes what it makes superfluous, once that is written down. */
  tidy(): void;
}

/** What an earlier attempt has left to go on with. */
interface GoOn {
  checkpoint: string;
  moves: ProgramOrder['moves'];
}

export class Attempt {
  readonly #parts: AttemptParts;
  readonly #who: Who;
  readonly #events: AttemptEvents;
  readonly #root: string;
  readonly #folder: string;
  /** It goes on with what an earlier attempt has begun. */
  #has_moved = false;

  constructor(parts: AttemptParts, who: Who, events: AttemptEvents) {
    this.#parts = parts;
    this.#who = who;
    this.#events = events;
    this.#root = parts.hosts.folder_of(who.host);
    this.#folder = folder_of_attempt(this.#root, who.id, who.attempt);
  }

  /**
   * @throws AttemptFailure, or another error when something could not be moved
   */
  async run(signal: AbortSignal): Promise<AttemptEnd> {
    const { id, index, host } = this.#who;
    const { porter, files } = this.#parts;
    const inputs = Object.entries(files).filter(([, file]) => file.usage === 'INPUT');
    const pieces = await Promise.all(
      inputs.map(async ([key, file]) => {
        const piece = await porter.bring(key, file, id, index, host);
        return [key, piece.files[0]?.path ?? ''] as const;
      }),
    );
    signal.throwIfAborted();
    const outputs = this.#outputs();
    const go_on = await this.#go_on(outputs);
    const input_paths = Object.fromEntries(pieces);
    const section = this.#context(input_paths, outputs, go_on);
    await this.#hook('prep_job', signal, () => this.#parts.hooks.prep_job(section));
    const order = await this.#order(section, outputs, go_on, signal);
    signal.throwIfAborted();
    this.#stage_outputs(outputs);
    try {
      const end = await this.#run_program(order, signal);
      this.#check(end);
      await this.#hook('clean_job', signal, () => this.#parts.hooks.clean_job(section));
      const { addition, used } = await add_up({ ...this.#parts, root: this.#root }, this.#who, outputs, end);
      this.#outputs_arrive(outputs, end);
      this.#parts.status.write('section', id, { run_ms: Math.round(end.run_ms) });
      this.#remove_inputs(inputs);
      return { run_ms: end.run_ms, addition, tidy: () => this.#remove_used(used, outputs) };
    } catch (error) {
      for (const { key } of outputs) this.#parts.pieces.forget(this.#output_id(key));
      this.#remove_unless_gone_on_with();
      throw error;
    }
  }

  #output_id(key: string): string {
    return Porter.output_id(key, this.#who.id, this.#who.attempt);
  }

  #outputs(): Output[] {
    return Object.entries(this.#parts.files)
      .filter(([, file]) => file.usage === 'OUTPUT')
      .map(([key, file]) => ({ key, file, path: output_path(this.#folder, key, file) }));
  }

  // ---- going on with an earlier attempt

  /** Brings what an earlier attempt has begun to this one. What cannot be had is dropped with its checkpoint, and said. */
  async #go_on(outputs: readonly Output[]): Promise<GoOn | undefined> {
    const { status, options } = this.#parts;
    const { id } = this.#who;
    const fields = status.record('section', id) as SectionFields | undefined;
    const { checkpoint, checkpoint_host: from, checkpoint_attempt } = fields ?? {};
    if (checkpoint === undefined || from === undefined || checkpoint_attempt === undefined) return undefined;
    try {
      Pars.parse(`${checkpoint} ${options.restart_com}`);
      const moves = await this.#move(outputs, from, checkpoint_attempt);
      this.#has_moved = true;
      return { checkpoint, moves };
    } catch (error) {
      this.#events.on_notice(
        0,
        `section ${id} begins anew, its checkpoint (${checkpoint}) is dropped: what goes with it on ${from} cannot be had: ${(error as Error).message}`,
      );
      status.write('section', id, NO_CHECKPOINT);
      return undefined;
    }
  }

  async #move(outputs: readonly Output[], from: string, attempt: number): Promise<ProgramOrder['moves']> {
    const { hosts, porter } = this.#parts;
    const { id, host } = this.#who;
    const old_folder = folder_of_attempt(hosts.folder_of(from), id, attempt);
    const old = outputs.map(({ key, file }) => output_path(old_folder, key, file));
    const sizes = await hosts.call(from, 'stat_files', [[old_folder, ...old]]);
    if (sizes[0] === null) throw new Error(`${old_folder} is not there any more`);
    const moves: { from: string; to: string }[] = [];
    for (const [i, { path, file }] of outputs.entries()) {
      if (sizes[i + 1] === null) continue;
      if (file.far_format !== undefined && from !== host)
        throw new Error(`${old[i]} may have its data in a file beside, which does not go to another host`);
      if (from === host) moves.push({ from: old[i] as string, to: path });
      else await porter.relay({ host: from, path: old[i] as string }, { host, path });
    }
    return moves;
  }

  // ---- the command

  #context(
    input_paths: Readonly<Record<string, string>>,
    outputs: readonly Output[],
    go_on: GoOn | undefined,
  ): SectionContext {
    const { options, sections, program } = this.#parts;
    const { id, index, attempt, host } = this.#who;
    const pars = Pars.merge(options.global_pars, sections.get(id) as Pars);
    if (go_on !== undefined) pars.add(go_on.checkpoint).add(options.restart_com);
    const output_paths = Object.fromEntries(outputs.map(({ key, path }) => [key, path]));
    const files = { ...input_paths, ...output_paths };
    const folder = this.#folder;
    const checkpoint = go_on?.checkpoint;
    const names = { id, index: String(index), attempt: String(attempt), host, folder };
    const command = () =>
      default_command(program ?? [], names, pars, options.par_style, this.#section_files(files, go_on));
    return { id, index, attempt, host, pars, files, folder, checkpoint, command };
  }

  #section_files(paths: Readonly<Record<string, string>>, go_on: GoOn | undefined): SectionFile[] {
    return Object.entries(this.#parts.files).map(([key, file]) => {
      const is_reused = file.usage === 'OUTPUT' && go_on !== undefined && file.reuse_par !== '';
      const reuse_words = is_reused && this.#parts.options.par_style === 'key=value' ? [file.reuse_par] : [];
      return { key, path: paths[key] ?? '', tag: file.tag, reuse_words };
    });
  }

  async #order(
    section: SectionContext,
    outputs: readonly Output[],
    go_on: GoOn | undefined,
    signal: AbortSignal,
  ): Promise<ProgramOrder> {
    const { options } = this.#parts;
    const stages = await this.#stages(section, signal);
    this.#events.on_notice(
      3,
      `section ${section.id}: ${stages.map(({ words }) => words.join(' ')).join(' | ')}`,
    );
    const { stdin, stdout } = redirections(
      this.#section_files(section.files, go_on),
      section.pars,
      options.par_style,
    );
    return {
      stages,
      folder: this.#folder,
      cwd: options.cwd === 'folder' ? this.#folder : undefined,
      env: {
        DATAPATH: `${this.#folder}/`,
        PARJOB_SECTION: section.id,
        PARJOB_ATTEMPT: String(section.attempt),
        ...(section.checkpoint === undefined ? {} : { PARJOB_CHECKPOINT: section.checkpoint }),
        ...options.env,
      },
      stdin,
      stdout,
      moves: go_on?.moves ?? [],
      outputs: outputs.map(({ key, file, path }) => ({
        key,
        path,
        format: file.far_format,
        declared: file.format_name,
      })),
      pid_file: posix.join(this.#root, `${safe_name(section.id)}.a${section.attempt}.pid`),
    };
  }

  async #stages(section: SectionContext, signal: AbortSignal): Promise<Stage[]> {
    const command = await this.#hook('command_func', signal, () => this.#parts.hooks.command_func(section));
    try {
      return stages_of(command);
    } catch (error) {
      throw new AttemptFailure('program', thrown_text(error), { cause: error });
    }
  }

  /** Calls a function of the user, which may never end: when the attempt is aborted nobody waits for it. */
  async #hook<T>(name: string, signal: AbortSignal, call: () => T | Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const aborted = new Deferred<never>();
    aborted.promise.catch(() => {});
    const abort = () => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([call(), aborted.promise]);
    } catch (error) {
      signal.throwIfAborted();
      throw new AttemptFailure('program', `${name} threw: ${thrown_text(error)}`, { cause: error });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  // ---- the program

  async #run_program(order: ProgramOrder, signal: AbortSignal): Promise<ProgramEnd> {
    const { options, line } = this.#parts;
    const path = log_file_of(options, this.#who.id, this.#who.attempt);
    mkdirSync(dirname(path), { recursive: true });
    const log = await open(path, 'w');
    const limit = new AbortController();
    const { timeout } = options;
    const timer =
      timeout === Infinity
        ? undefined
        : setTimeout(() => limit.abort(new Error('timeout')), Math.min(timeout, 2 ** 31 - 1));
    try {
      const end = await line.call('run_program', [order], {
        signal: AbortSignal.any([signal, limit.signal]),
        on_bytes: (bytes) => log.appendFile(bytes),
        on_note: (note) => this.#on_note(note as ProgramNote),
      });
      signal.throwIfAborted();
      if (limit.signal.aborted)
        throw new AttemptFailure(
          'program',
          `it took longer than its timeout of ${timeout} ms${tail_of(end)}`,
        );
      return end;
    } finally {
      clearTimeout(timer);
      await log.close();
    }
  }

  #on_note(note: ProgramNote): void {
    const { status, options } = this.#parts;
    const { id, attempt, host } = this.#who;
    switch (note.kind) {
      case 'started':
        // only now is all of it here: until then a later master goes on with what the earlier attempt has
        if (this.#has_moved)
          status.write('section', id, { checkpoint_host: host, checkpoint_attempt: attempt });
        return this.#events.on_started(note.pid);
      case 'progress':
        status.write('section', id, { done: note.done, total: note.total ?? null });
        return this.#events.on_progress(note.done, note.total);
      case 'checkpoint': {
        // a program that prints SEP's line need not be able to go on; restart_com says that it is
        if (note.is_progress && options.restart_com === '') return;
        const before = (status.record('section', id) as SectionFields | undefined)?.checkpoint;
        if (!has_grown(before, note.text)) return;
        const fields = { checkpoint: note.text, checkpoint_host: host, checkpoint_attempt: attempt };
        status.write('section', id, fields);
        return this.#events.on_checkpoint(note.text);
      }
      default:
        note satisfies never;
    }
  }

  #check(end: ProgramEnd): void {
    const { exit_code, signal, error, outputs } = end;
    const tail = tail_of(end);
    if (signal !== undefined)
      throw new AttemptFailure('program', `its program was ended by ${signal}${tail}`);
    if (exit_code !== 0 && exit_code !== undefined) {
      const reported = error === undefined ? '' : `, and reported: ${error}`;
      throw new AttemptFailure('program', `its program exited with code ${exit_code}${reported}${tail}`);
    }
    if (error !== undefined) throw new AttemptFailure('program', `${error}${tail}`);
    if (exit_code === undefined) throw new AttemptFailure('program', `its program did not run${tail}`);
    for (const output of outputs) {
      if ('missing' in output)
        throw new AttemptFailure(
          'program',
          `its program exited with code 0, and its output ${output.key} cannot be read: ${output.missing}${tail}`,
        );
      if ('bad' in output) {
        const format = this.#parts.files[output.key]?.format?.name;
        throw new AttemptFailure(
          'program',
          `its program exited with code 0, and its output ${output.key} is not as declared (${format}): ${output.bad}${tail}`,
        );
      }
    }
  }

  // ---- pieces

  #stage_outputs(outputs: readonly Output[]): void {
    const { id, attempt, host } = this.#who;
    for (const { key, file } of outputs)
      if (!file.is_summed)
        this.#parts.pieces.stage(this.#output_id(key), { file: key, host, section: id, attempt });
  }

  #outputs_arrive(outputs: readonly Output[], end: ProgramEnd): void {
    for (const { key, path, file } of outputs) {
      const found = end.outputs.find((output) => output.key === key);
      if (found === undefined || !('size' in found) || file.is_summed) continue;
      this.#parts.pieces.arrive(this.#output_id(key), [{ path, size: found.size, sha256: found.sha256 }]);
    }
  }

  #remove_used(used: readonly string[], outputs: readonly Output[]): void {
    // a header may say that its data are somewhere else, which is not ours to remove
    const ours = used.filter((path) => path.startsWith(`${this.#root}/`));
    if (ours.length === 0) return;
    // with nothing else in it the folder of the attempt goes too
    this.#remove(outputs.every(({ file }) => file.is_summed) ? [...ours, this.#folder] : ours);
  }

  /** The section has them no more; if it must be run again they are sent again. */
  #remove_inputs(inputs: readonly (readonly [string, ParFile])[]): void {
    const { pieces } = this.#parts;
    for (const [key, file] of inputs) {
      if (file.is_per_host || !file.remove) continue;
      const id = Porter.input_id(key, file, this.#who.id, this.#who.host);
      const piece = pieces.get(id);
      if (piece === undefined) continue;
      pieces.forget(id);
      this.#remove(piece.files.map(({ path }) => path));
    }
  }

  #remove_unless_gone_on_with(): void {
    const fields = this.#parts.status.record('section', this.#who.id) as SectionFields | undefined;
    if (fields?.checkpoint !== undefined && fields.checkpoint_attempt === this.#who.attempt) return;
    this.#remove([this.#folder]);
  }

  /** Now if it can be; the whole folder of the run goes at its end. */
  #remove(paths: readonly string[]): void {
    this.#parts.hosts.call(this.#who.host, 'remove_paths', [paths]).catch(() => {});
  }
}

/** The folder of an attempt, in that of the run. */
function folder_of_attempt(root: string, id: string, attempt: number): string {
  return posix.join(root, 'out', `${safe_name(id)}.a${attempt}`);
}

function output_path(folder: string, key: string, file: ParFile): string {
  return posix.join(folder, `${safe_name(key)}${file.extension}`);
}

function tail_of({ tail }: ProgramEnd): string {
  return tail === '' ? '' : `\n${tail.replace(/^/gm, '| ')}`;
}

/** SEP's count must grow: what an attempt says before it has come so far is no news. */
function has_grown(before: string | undefined, now: string): boolean {
  const count = (text: string | undefined) => /(?:^|\s)finished=(\d+)(?:\s|$)/.exec(text ?? '')?.[1];
  const [old_count, new_count] = [count(before), count(now)];
  return old_count === undefined || new_count === undefined || Number(new_count) > Number(old_count);
}
