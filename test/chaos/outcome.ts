/** Outcomes: what the master handed over to its user, one JSON line each in `outcomes.<life>`, as soon as it did. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OutcomeRecord {
  i: number;
  /** Cancelled only when the user had asked for it. */
  status: 'fulfilled' | 'rejected' | 'cancelled';
  /** The run whose value it is, see ledger.ts. */
  run?: string | undefined;
  /** Of the error, for a rejected one. */
  code?: string | undefined;
  message?: string | undefined;
  /** Attempts that ended with the death of a slave, for a task that was given up. */
  deaths?: number | undefined;
  /** What is wrong with the value or the error itself, seen by who got it. */
  fault?: string | undefined;
  /** What the task's handle said; undefined for run_task, which has none. */
  attempts?: number | undefined;
  /** When it was handed over, on the clock of the ledger. */
  at: number;
}

export function outcome_file(folder: string, life: number): string {
  return join(folder, `outcomes.${life}`);
}

/** What the master of that life has handed over. A last line that was cut off does not count. */
export function read_outcomes(folder: string, life: number): OutcomeRecord[] {
  const file = outcome_file(folder, life);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as OutcomeRecord);
}
