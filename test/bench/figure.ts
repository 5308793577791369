/** A figure: one thing that is measured, in a file of its own. Each exports a Figure, and `measure` for arena.js. */
import type { Build } from './build.js';
import type { Report } from './report.js';

export interface Bench {
  readonly build: Build;
  readonly report: Report;
  /** Everything small: a smoke test, whose figures mean little. */
  readonly quick: boolean;
  /** Whether parjob is built; without it the others are measured. */
  readonly has_parjob: boolean;
}

export interface Figure {
  name: string;
  run(bench: Bench): Promise<void>;
}

/** The pools that parjob is measured against. */
export const POOLS = ['piscina', 'tinypool', 'jest_worker', 'jest_worker:threads'];
