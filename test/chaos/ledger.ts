/**
 * Ledger: what the tasks themselves have written of their runs, read back. Each slave process appends to a file of
 * its own (ledger_writer.js), one line for the begin and one for the end of each run:
 *
 *     b <task> <attempt> <run> <µs>            run: a word of this run alone, pid first
 *     e <task> <attempt> <run> <µs> <how>      how: done, threw, or dies (in the next moment, by its own hand)
 *
 * A line is one write to a file that is open for appending, so a kill -9 leaves at most a last line that is cut
 * off, and that one is ignored. Times are those of the machine's monotonic clock: they compare between processes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type RunEnd = 'done' | 'threw' | 'dies';

/** One run of one task. */
export interface Run {
  task: number;
  attempt: number;
  run: string;
  pid: number;
  began_at: number;
  ended_at: number | undefined;
  /** Undefined when the process did not live to write it, or the run goes on. */
  end: RunEnd | undefined;
}

const FILE = /^ledger\.\d+\.[0-9a-f]+$/;

/** Now, on the clock of the ledger, µs. */
export function ledger_time(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Every run that is in the ledger files of `folder`. @throws Error for a line that no task has written */
export function read_ledger(folder: string): Run[] {
  const runs: Run[] = [];
  for (const name of readdirSync(folder)) {
    if (!FILE.test(name)) continue;
    // one by one: there may be more than a call can take as arguments
    for (const run of parse_ledger(readFileSync(join(folder, name), 'utf8'), name)) runs.push(run);
  }
  return runs;
}

/** The runs in the text of one ledger file. */
export function parse_ledger(text: string, name = 'ledger'): Run[] {
  const runs = new Map<string, Run>();
  const lines = text.split('\n');
  // what follows the last newline was cut off, or is nothing
  lines.pop();
  for (const line of lines) {
    const [what, task, attempt, run, at, how, ...rest] = line.split(' ');
    const refuse = (why: string) => new Error(`${name}: ${why}: ${JSON.stringify(line)}`);
    if (run === undefined || at === undefined || rest.length > 0) throw refuse('this is no line of a ledger');
    if (what === 'b') {
      if (runs.has(run)) throw refuse('this run began twice');
      const pid = Number(run.split('-')[0]);
      runs.set(run, {
        task: Number(task),
        attempt: Number(attempt),
        run,
        pid,
        began_at: Number(at),
        ended_at: undefined,
        end: undefined,
      });
    } else {
      const begun = runs.get(run);
      if (what !== 'e' || begun === undefined || begun.end !== undefined)
        throw refuse('this end has no begin');
      begun.end = how as RunEnd;
      begun.ended_at = Number(at);
    }
  }
  return [...runs.values()];
}
