/**
 * RunView: a run that can be looked at: one that goes on in this process (ModelView), or one that stands in a
 * status file (FileRun). The terminal and the dashboard know no more of it.
 */
import type { Clock } from '../base/clock.js';
import type { Metrics } from './metrics.js';
import type { FileRow, SectionRow } from './section_row.js';
import type { SeriesPoints } from './series.js';
import type { Snapshot } from './snapshot.js';
import type { StoryEntry } from './stories.js';
import type { TaskRing } from './task_ring.js';

/** Quantities over time. Without `waiting` it is not known how many wait. */
export interface RunSeries {
  throughput: SeriesPoints;
  running: SeriesPoints;
  waiting?: SeriesPoints | undefined;
}

/** What can be done to a run. */
export interface RunHands {
  /** Cancels a task. False when it has an outcome already; undefined when there is none of that index. */
  cancel(index: number): boolean | undefined;
  /** Has a slave end its task and leave. False when it is not in the job any more. */
  drain(slave_id: number): boolean;
  stop(): void;
}

export interface RunView {
  readonly jobname: string;
  /** That of all times, so that its now() is the present of the run. */
  readonly clock: Clock;
  readonly epoch: number;
  readonly started_at: number;
  /** Another one when the run is read anew. */
  readonly ring: TaskRing;
  /** By the numbers that stand in the ring. */
  readonly names: readonly string[];
  readonly slave_names: readonly string[];
  /** Undefined when nothing can be done. */
  readonly hands: RunHands | undefined;
  /** Takes in what has come since the last look. */
  refresh(): void;
  /** Calls `look` after each look, some times a second, until the returned function is called. */
  on_look(look: () => void): () => void;
  snapshot(most_slaves?: number): Snapshot;
  series(): RunSeries;
  story(index: number): readonly StoryEntry[];
  log_file(slave_id: number): string | undefined;
  explain(): string;
  /** Undefined when it has none. */
  metrics(): Promise<Metrics> | undefined;
  sections(): readonly SectionRow[] | undefined;
  /** Of the last attempt of a section. */
  section_log(id: string): string | undefined;
  files(): readonly FileRow[] | undefined;
}
