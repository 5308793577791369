/**
 * Progress of a run: one line that is written over and over on a terminal, and a line at every
 * quarter where the output goes to a file.
 */

/** What Progress needs of a stream; process.stderr has it. */
export interface Terminal {
  isTTY?: boolean;
  write(text: string): unknown;
}

const BAR = 24;
const REDRAW_MS = 100;
const ERASE_LINE = '\r\u001b[K';

export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #terminal: Terminal;
  readonly #started = performance.now();
  #done = 0;
  #drawn = Number.NEGATIVE_INFINITY;
  #quarters = 0;

  /** `total` is in any unit of work. */
  constructor(label: string, total: number, terminal: Terminal = process.stderr) {
    this.#label = label;
    this.#total = total;
    this.#terminal = terminal;
  }

  /** Says that `amount` more of the work is done. */
  advance(amount: number): void {
    this.#done += amount;
    if (this.#terminal.isTTY) this.#redraw();
    else this.#report();
  }

  /** Takes the line away. */
  finish(): void {
    if (this.#terminal.isTTY) this.#terminal.write(ERASE_LINE);
  }

  #redraw(): void {
    const now = performance.now();
    if (now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    const share = this.#done / this.#total;
    const full = Math.round(share * BAR);
    const left = ((now - this.#started) / 1000) * (1 / share - 1);
    const bar = '█'.repeat(full) + '░'.repeat(BAR - full);
    const percent = `${Math.floor(share * 100)}%`.padStart(4);
    this.#terminal.write(`${ERASE_LINE}${this.#label} ${bar}${percent}, ${left.toFixed(0)} s left`);
  }

  #report(): void {
    const quarters = Math.floor((4 * this.#done) / this.#total + 1e-9);
    if (quarters === this.#quarters) return;
    this.#quarters = quarters;
    const seconds = (performance.now() - this.#started) / 1000;
    this.#terminal.write(`${this.#label} ${25 * quarters}%, ${seconds.toFixed(1)} s\n`);
  }
}
