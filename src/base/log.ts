/**
 * Log: pino, loaded with the first line that is really written.
 *
 * pino takes about 20 ms to load, and a run in which nothing goes wrong writes nothing; a slave must
 * not pay for it before its first task. Lines of a deferred log wait, with their times, until `flush`.
 * Lines are JSON, but for those that somebody reads at a terminal.
 */
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type WrittenLevel = Exclude<LogLevel, 'trace' | 'fatal' | 'silent'>;

const load = createRequire(import.meta.url);

/** What takes the lines for descriptor 2, while somebody does. */
let stderr_taker: ((lines: string) => void) | undefined;

/**
 * Has `take` get the lines that logs would write to descriptor 2, until the returned function is called: for a view
 * of the terminal, which must make room for them first.
 */
export function divert_stderr(take: (lines: string) => void): () => void {
  stderr_taker = take;
  return () => {
    if (stderr_taker === take) stderr_taker = undefined;
  };
}

const NOT_FOR_PEOPLE = new Set(['level', 'time', 'job', 'msg', 'reason', 'err']);

/** A line of JSON as a person at a terminal reads it. Of a long reason it has the first line: the error that comes of it has the rest. */
export function plain_line(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  const reason = String(line['reason'] ?? '').split('\n', 1)[0] as string;
  const facts = Object.entries(line)
    .filter(([name, value]) => !NOT_FOR_PEOPLE.has(name) && !reason.includes(String(value)))
    .map(([name, value]) => `${name} ${value}`);
  const { stack } = (line['err'] ?? {}) as { stack?: string };
  const told = [line['msg'], facts.join(', '), reason, stack].filter(
    (part) => part !== '' && part !== undefined,
  );
  return `parjob: ${told.join(': ')}\n`;
}

export class Log {
  readonly #level: LogLevel;
  readonly #fd: number;
  readonly #bindings: Record<string, unknown>;
  #logger: Logger | undefined;
  #is_own = false;
  #waiting: (() => void)[] | undefined;

  /** Lines go to `logger` if it is given, else to file descriptor `fd`, from `level` on. */
  constructor(options: {
    logger?: Logger | undefined;
    level?: LogLevel | undefined;
    fd?: 1 | 2;
    bindings?: Record<string, unknown>;
    /** Hold lines back until flush. */
    deferred?: boolean;
  }) {
    this.#logger = options.logger;
    this.#level = options.level ?? 'warn';
    this.#fd = options.fd ?? 2;
    this.#bindings = options.bindings ?? {};
    if (options.deferred === true) this.#waiting = [];
  }

  debug(fields: Record<string, unknown>, text: string): void {
    this.#write('debug', fields, text);
  }
  info(fields: Record<string, unknown>, text: string): void {
    this.#write('info', fields, text);
  }
  warn(fields: Record<string, unknown>, text: string): void {
    this.#write('warn', fields, text);
  }
  error(fields: Record<string, unknown>, text: string): void {
    this.#write('error', fields, text);
  }

  /** Writes the lines that wait; later ones are written at once. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const write of waiting ?? []) write();
  }

  #write(level: WrittenLevel, fields: Record<string, unknown>, text: string): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#level) && this.#logger === undefined) return;
    if (this.#waiting !== undefined) {
      const queued_at = Date.now();
      this.#waiting.push(() => this.#say(level, { ...fields, queued_at }, text));
      return;
    }
    this.#say(level, fields, text);
  }

  #say(level: WrittenLevel, fields: Record<string, unknown>, text: string): void {
    const is_ours = this.#logger === undefined || this.#is_own;
    try {
      this.#pino()[level](fields, text);
    } catch (error) {
      // what a logger of the user's throws is the user's
      if (!is_ours) throw error;
    }
  }

  #pino(): Logger {
    if (this.#logger === undefined) {
      this.#is_own = true;
      const { pino } = load('pino') as typeof import('pino');
      const destination = pino.destination({ dest: this.#fd, sync: true });
      // a full disk costs lines, and nothing else
      destination.on('error', () => {});
      const is_for_people = this.#fd === 2 && isatty(this.#fd);
      const write = (line: string) => {
        const text = is_for_people ? plain_line(line) : line;
        if (this.#fd === 2 && stderr_taker !== undefined) stderr_taker(text);
        else destination.write(text);
      };
      this.#logger = pino({ level: this.#level, base: this.#bindings }, { write });
    }
    return this.#logger;
  }
}
