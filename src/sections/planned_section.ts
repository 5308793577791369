/** What a plan knows of a section, and of a sum that outputs of sections were added to. */
import type { SectionSeed } from './plan_events.js';
import type { SectionState } from './section_state.js';

/** What is known of a section. */
export class PlannedSection {
  readonly id: string;
  readonly index: number;
  state: SectionState;
  /** Number of its last start; 0 before the first. */
  attempt: number;
  /** Times that its program failed. */
  failures: number;
  losses: number;
  transfer_failures = 0;
  redos = 0;
  /** Host of its last attempt. */
  host: string | undefined;
  slot: number | undefined;
  /** Hosts on which its program failed, once for each time. */
  failed_on: string[];
  /** Hosts to or from which its files could not be moved, likewise. */
  not_moved_to: string[] = [];
  /** What its last failure said. */
  error: string | undefined;
  bound_to: string | undefined;
  held_by: string | undefined;
  is_being_collected = false;
  /** What is collected of this section alone is in the files of the master, or there is no such thing. */
  has_pieces_in = false;
  /** That its outputs were added to. */
  sum: PlannedSum | undefined;

  constructor(seed: SectionSeed, index: number) {
    this.id = seed.id;
    this.index = index;
    this.state = seed.state ?? 'todo';
    this.attempt = seed.attempt ?? 0;
    this.failures = seed.failures ?? 0;
    this.losses = seed.losses ?? 0;
    this.host = seed.host;
    this.failed_on = [...(seed.failed_on ?? [])];
    this.error = seed.error;
    this.bound_to = seed.bound_to;
    this.held_by = seed.held_by;
  }

  /** Times that it was sent there for nothing. */
  was_in_vain_on(host: string): number {
    return [...this.failed_on, ...this.not_moved_to].filter((other) => other === host).length;
  }
}

/** Outputs of sections, added up on a host. */
export class PlannedSum {
  readonly id: string;
  readonly host: string;
  readonly members: PlannedSection[] = [];
  is_being_collected = false;

  constructor(id: string, host: string) {
    this.id = id;
    this.host = host;
  }
}
