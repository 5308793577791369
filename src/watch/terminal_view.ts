/**
 * TerminalView: some lines at the bottom of a terminal that are renewed in their place. What others write to
 * stdout and stderr meanwhile, the lines of the log too, stands above them.
 */
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import { divert_stderr } from '../base/log.js';
import { render_line, type ScreenLine, width_of } from './screen_line.js';

/** What is needed of a stream; process.stderr has it. */
export interface Terminal extends Partial<Pick<WriteStream, 'hasColors'>> {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): boolean;
  on(name: 'resize' | 'error', listener: () => void): unknown;
  off(name: 'resize' | 'error', listener: () => void): unknown;
}

const ERASE_AND_UP = '\u001b[2K\u001b[1A';

/** Whether the terminal is one whose lines can be renewed in their place. */
export function can_redraw(terminal: Terminal): boolean {
  return terminal.isTTY === true && process.env['TERM'] !== 'dumb' && !is_ci();
}

/** The cursor is never hidden, so that nothing has to be put right when the process is ended. */
export class TerminalView {
  readonly #terminal: Terminal;
  readonly #lines: (size: { columns: number; rows: number }) => readonly ScreenLine[];
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #give_back: (() => void)[] = [];
  #is_own = false;
  #is_shown = false;
  /** Widths of the lines that are shown. */
  #widths: readonly number[] = [];
  /** What others wrote last did not end its line. */
  #is_in_line = false;

  /** @param lines what to show in a terminal of that size */
  constructor(terminal: Terminal, lines: (size: { columns: number; rows: number }) => readonly ScreenLine[]) {
    this.#terminal = terminal;
    this.#lines = lines;
    this.#update = createLogUpdate(terminal as unknown as NodeJS.WritableStream, { showCursor: true });
    terminal.on('resize', this.#on_resize);
    this.#share(terminal);
    if (terminal !== process.stderr) return;
    if (process.stdout.isTTY) this.#share(process.stdout);
    this.#give_back.push(divert_stderr((text) => void terminal.write(text)));
  }

  draw(): void {
    const { columns = 80, rows = 24 } = this.#terminal;
    const colours = has_colours(this.#terminal);
    // the last column is left free: some terminals go to the next line when it is written
    const lines = this.#lines({ columns, rows }).map((line) => render_line(line, columns - 1, colours));
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
    if (this.#is_shown) this.draw();
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
    this.draw();
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
