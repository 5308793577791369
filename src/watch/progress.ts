/**
 * Progress: the run in the terminal. A live view where stderr is one, a line every few seconds where it is
 * not, nothing when quiet. What it shows is made in progress_text.ts.
 */
import { end_summary, live_lines, plain_text, start_summary } from './progress_text.js';
import type { RunView } from './run_view.js';
import type { Snapshot } from './snapshot.js';
import { can_redraw, type Terminal, TerminalView } from './terminal_view.js';

export interface ProgressOptions {
  /** Where it is shown. @default process.stderr */
  terminal?: Terminal;
  /** Show nothing. @default false */
  quiet?: boolean;
  /** Whether to draw a view that is renewed in its place. @default when the terminal is one that can */
  live?: boolean;
  /** It only looks in on the run: the beginning is told elsewhere. @default false */
  is_guest?: boolean;
}

/** Redrawn no more often, ms. */
const DRAW_EVERY = 200;
/** Plain lines: the first, and the longest wait for a further one, ms. */
const FIRST_LINE = 3000;
const RAREST_LINE = 60_000;
/** The start-up summary waits so long for slaves that have not started, ms. */
const START_PATIENCE = 5000;

export class Progress {
  readonly #run: Pick<RunView, 'clock' | 'on_look' | 'snapshot'>;
  readonly #terminal: Terminal;
  readonly #is_quiet: boolean;
  readonly #view: TerminalView | undefined;
  readonly #stop_looking: () => void = () => {};
  #drawn_at = -Infinity;
  #next_line: number;
  #has_said_start: boolean;
  #is_closed = false;

  constructor(run: Pick<RunView, 'clock' | 'on_look' | 'snapshot'>, options: ProgressOptions = {}) {
    const { terminal = process.stderr, quiet = false, is_guest = false } = options;
    this.#run = run;
    this.#terminal = terminal;
    this.#is_quiet = quiet;
    this.#has_said_start = is_guest;
    this.#next_line = run.clock.now() + (is_guest ? 0 : FIRST_LINE);
    if (quiet) return;
    terminal.on('error', ignore);
    if (options.live ?? can_redraw(terminal))
      this.#view = new TerminalView(terminal, (size) => live_lines(run.snapshot(), size));
    this.#stop_looking = run.on_look(() => this.#look());
  }

  /** Takes the view away and says how it went. */
  close(): void {
    if (this.#is_closed) return;
    this.#is_closed = true;
    this.#stop_looking();
    if (this.#is_quiet) return;
    this.#view?.close();
    const snapshot = this.#run.snapshot();
    if (has_begun(snapshot)) {
      if (!this.#has_said_start) this.#say(start_summary(snapshot));
      for (const line of end_summary(snapshot)) this.#say(line);
    }
    this.#terminal.off('error', ignore);
  }

  #look(): void {
    const now = this.#run.clock.now();
    const is_due = this.#view === undefined ? now >= this.#next_line : now - this.#drawn_at >= DRAW_EVERY;
    if (this.#has_said_start && !is_due) return;
    const snapshot = this.#run.snapshot();
    if (!has_begun(snapshot)) return;
    if (!this.#has_said_start && have_started(snapshot)) {
      this.#has_said_start = true;
      this.#say(start_summary(snapshot));
    }
    if (!is_due) return;
    if (this.#view !== undefined) {
      this.#drawn_at = now;
      this.#view.draw();
    } else {
      const { elapsed } = snapshot.overview;
      this.#next_line = now + Math.min(RAREST_LINE, Math.max(FIRST_LINE, elapsed / 20));
      this.#say(plain_text(snapshot));
    }
  }

  #say(line: string): void {
    if (this.#view !== undefined) this.#view.write_above(`${line}\n`);
    else this.#terminal.write(`${line}\n`);
  }
}

function has_begun({ slaves }: Snapshot): boolean {
  return slaves.rows.some(({ launches, is_connected }) => launches > 0 || is_connected);
}

function have_started({ overview, slaves }: Snapshot): boolean {
  if (overview.now - overview.started_at > START_PATIENCE) return true;
  return slaves.rows.every(({ state }) => state !== 'created' && state !== 'started');
}

function ignore(): void {}
