/**
 * Progress: the run in the terminal. A live view where stderr is one, a line every few seconds where it is
 * not, nothing when quiet. What it shows is made in progress_text.ts.
 */
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import { end_summary, live_lines, plain_text, start_summary } from './progress_text.js';
import type { RunModel } from './run_model.js';
import { render_line, width_of } from './screen_line.js';

/** What Progress needs of a stream; process.stderr has it. */
export interface Terminal extends Partial<Pick<WriteStream, 'hasColors'>> {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): boolean;
  on(name: 'resize' | 'error', listener: () => void): unknown;
  off(name: 'resize' | 'error', listener: () => void): unknown;
}

export interface ProgressOptions {
  jobname: string;
  /** Where it is shown. @default process.stderr */
  terminal?: Terminal;
  /** Show nothing. @default false */
  quiet?: boolean;
  /** Whether to draw a view that is renewed in its place. @default when the terminal is one that can */
  live?: boolean;
}

/** Redrawn no more often, ms. */
const DRAW_EVERY = 200;
/** Plain lines: the first, and the longest wait for a further one, ms. */
const FIRST_LINE = 3000;
const RAREST_LINE = 60_000;
/** The start-up summary waits so long for slaves that have not started, ms. */
const START_PATIENCE = 5000;
const ERASE_AND_UP = '\u001b[2K\u001b[1A';

export class Progress {
  readonly #model: RunModel;
  readonly #jobname: string;
  readonly #terminal: Terminal;
  readonly #is_quiet: boolean;
  readonly #view: View | undefined;
  #drawn_at = -Infinity;
  #next_line: number;
  #has_said_start = false;
  #is_closed = false;

  constructor(model: RunModel, options: ProgressOptions) {
    const { terminal = process.stderr, quiet = false } = options;
    const can_draw = terminal.isTTY === true && process.env['TERM'] !== 'dumb' && !is_ci();
    this.#model = model;
    this.#jobname = options.jobname;
    this.#terminal = terminal;
    this.#is_quiet = quiet;
    this.#next_line = model.clock.now() + FIRST_LINE;
    if (quiet) return;
    terminal.on('error', ignore);
    if (options.live ?? can_draw) this.#view = new View(terminal, () => this.#draw());
    model.on_look(() => this.#look());
  }

  /** Takes the view away and says how it went. */
  close(): void {
    if (this.#is_closed) return;
    this.#is_closed = true;
    if (this.#is_quiet) return;
    this.#view?.close();
    if (this.#has_begun()) {
      if (!this.#has_said_start) this.#say(start_summary(this.#model, this.#jobname));
      for (const line of end_summary(this.#model, this.#jobname)) this.#say(line);
    }
    this.#terminal.off('error', ignore);
  }

  #has_begun(): boolean {
    return this.#model.slaves.some(({ launches, is_connected }) => launches > 0 || is_connected);
  }

  #look(): void {
    if (this.#is_closed || !this.#has_begun()) return;
    const now = this.#model.clock.now();
    if (!this.#has_said_start && this.#have_started(now)) {
      this.#has_said_start = true;
      this.#say(start_summary(this.#model, this.#jobname));
    }
    if (this.#view !== undefined) {
      if (now - this.#drawn_at >= DRAW_EVERY) this.#draw();
    } else if (now >= this.#next_line) {
      const { elapsed } = this.#model;
      this.#next_line = now + Math.min(RAREST_LINE, Math.max(FIRST_LINE, elapsed / 20));
      this.#say(plain_text(this.#model, this.#jobname));
    }
  }

  #have_started(now: number): boolean {
    if (now - this.#model.started_at > START_PATIENCE) return true;
    return this.#model.slaves.every(({ state }) => state !== 'created' && state !== 'started');
  }

  #draw(): void {
    if (this.#is_closed || this.#view === undefined) return;
    this.#drawn_at = this.#model.clock.now();
    const { columns = 80, rows = 24 } = this.#terminal;
    const colours = has_colours(this.#terminal);
    const lines = live_lines(this.#model, this.#jobname, { columns, rows });
    // the last column is left free: some terminals go to the next line when it is written
    this.#view.show(lines.map((line) => render_line(line, columns - 1, colours)));
  }

  #say(line: string): void {
    if (this.#view !== undefined) this.#view.write_above(`${line}\n`);
    else this.#terminal.write(`${line}\n`);
  }
}

/**
 * A view at the bottom of the terminal. What others write to stdout and stderr meanwhile stands above it. The
 * cursor is never hidden, so that nothing has to be put right when the process is ended.
 */
class View {
  readonly #terminal: Terminal;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #redraw: () => void;
  readonly #give_back: (() => void)[] = [];
  #is_own = false;
  #is_shown = false;
  /** Widths of the lines that are shown. */
  #widths: readonly number[] = [];
  /** What others wrote last did not end its line. */
  #is_in_line = false;

  constructor(terminal: Terminal, redraw: () => void) {
    this.#terminal = terminal;
    this.#redraw = redraw;
    this.#update = createLogUpdate(terminal as unknown as NodeJS.WritableStream, { showCursor: true });
    terminal.on('resize', this.#on_resize);
    this.#share(terminal);
    if (terminal === process.stderr && process.stdout.isTTY) this.#share(process.stdout);
  }

  show(lines: readonly string[]): void {
    this.#own(() => {
      if (this.#is_in_line) this.#terminal.write('\n');
      this.#update(lines.join('\n'));
    });
    this.#widths = lines.map((line) => width_of(stripVTControlCharacters(line)));
    this.#is_in_line = false;
    this.#is_shown = true;
  }

  write_above(text: string): void {
    this.#own(() => {
      if (this.#is_shown) this.#update.clear();
      this.#terminal.write(text);
    });
    if (this.#is_shown) this.#redraw();
  }

  close(): void {
    this.#terminal.off('resize', this.#on_resize);
    this.#own(() => {
      if (this.#is_shown) this.#update.clear();
    });
    this.#is_shown = false;
    for (const give_back of this.#give_back.splice(0)) give_back();
  }

  readonly #on_resize = (): void => {
    if (!this.#is_shown) return;
    const { columns = 80 } = this.#terminal;
    // a terminal that became narrower has broken the lines that no longer fit
    const broken = this.#widths.reduce((sum, width) => sum + Math.max(0, Math.ceil(width / columns) - 1), 0);
    this.#own(() => {
      this.#terminal.write(ERASE_AND_UP.repeat(broken));
      this.#update.clear();
    });
    this.#redraw();
  };

  #own(act: () => void): void {
    const was_own = this.#is_own;
    this.#is_own = true;
    try {
      act();
    } finally {
      this.#is_own = was_own;
    }
  }

  /** What others write to `stream` takes the view away first; the next look brings it back. */
  #share(stream: Terminal): void {
    const write = stream.write;
    const shared = (...args: Parameters<typeof write>): boolean => {
      if (!this.#is_own && this.#is_shown) {
        this.#own(() => this.#update.clear());
        this.#is_shown = false;
      }
      if (!this.#is_own) this.#is_in_line = !ends_line(args[0]);
      return write.apply(stream, args);
    };
    stream.write = shared;
    this.#give_back.push(() => {
      // somebody else may have put another in its place since
      if (stream.write === shared) stream.write = write;
    });
  }
}

/** NO_COLOR and FORCE_COLOR are looked at by hasColors. */
function has_colours(terminal: Terminal): boolean {
  const { NO_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return terminal.hasColors?.() ?? false;
}

function is_ci(): boolean {
  return process.env['CI'] !== undefined && process.env['CI'] !== 'false';
}

function ends_line(written: unknown): boolean {
  if (typeof written === 'string') return written === '' || written.endsWith('\n');
  return !(written instanceof Uint8Array) || written.at(-1) === 10;
}

function ignore(): void {}
