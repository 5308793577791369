/** What the plan of a run is told, and what it orders. Reports are past, orders are verbs. */
import type { SectionState } from './section_state.js';

/** Why an attempt at a section ended without its outputs. Each is charged to somebody else. */
export type FailureKind =
  /** The program failed, or its outputs are missing: charged to the section, and it goes to another host. */
  | 'program'
  /** A file could not be moved: charged to nobody, within limits; its host is looked at. */
  | 'transfer'
  /** The slave or its host is gone: charged to nobody, within limits. */
  | 'lost'
  /** The run is being stopped. */
  | 'stopped';

export type PlanEvent =
  /** A slave is being started. */
  | { kind: 'slot_coming'; slot: number }
  /** A slave is there, on that host. */
  | { kind: 'slot_up'; slot: number; host: string }
  /** A slave is gone; it may come again: see slot_coming. */
  | { kind: 'slot_gone'; slot: number }
  /** The probe of a host went well: its slots may be used. */
  | { kind: 'host_good'; host: string }
  /** The probe of a host failed: it gets nothing until another goes well. */
  | { kind: 'host_benched'; host: string; reason: string }
  /** A host is gone, and what was on it. */
  | { kind: 'host_gone'; host: string }
  /** It gets nothing new until it is released. */
  | { kind: 'host_drained'; host: string }
  | { kind: 'host_released'; host: string }
  | { kind: 'section_started'; id: string; attempt: number }
  /** `sum`: that on its slot to which its outputs were added. */
  | { kind: 'section_finished'; id: string; attempt: number; sum?: string | undefined }
  | { kind: 'section_failed'; id: string; attempt: number; why: FailureKind; text: string }
  | { kind: 'section_collected'; id: string }
  /** Its outputs could not be had. When they are lost or damaged it must be run again, and is charged when they are bad. */
  | { kind: 'collect_failed'; id: string; is_lost: boolean; is_bad?: boolean | undefined; text: string }
  | { kind: 'sum_collected'; sum: string }
  /** As collect_failed, of all sections that are in it. */
  | { kind: 'sum_failed'; sum: string; is_lost: boolean; is_bad: boolean; text: string }
  /** The master has no room for outputs now. It is tried again when the next section has finished. */
  | { kind: 'no_room'; text: string }
  /** A person wants it so. */
  | { kind: 'section_set'; id: string; state: 'todo' | 'failed' }
  /** No host will come that has not come. */
  | { kind: 'no_more_hosts'; text: string };

export type PlanOrder =
  | { kind: 'run_section'; id: string; attempt: number; slot: number; host: string }
  /** Its program must end; what it reports is not heard any more. */
  | { kind: 'abort_section'; id: string; attempt: number; slot: number; host: string; reason: string }
  | { kind: 'collect_section'; id: string; host: string }
  /** Nothing more is to be added to it. */
  | { kind: 'close_sum'; sum: string }
  | { kind: 'collect_sum'; sum: string; host: string }
  /** What is in it does not count any more. */
  | { kind: 'drop_sum'; sum: string }
  | { kind: 'probe_host'; host: string }
  /** The state of a section has changed, and is to be written down. */
  | { kind: 'note_section'; id: string }
  /** Nothing is left to do, or the policy ends the run. */
  | { kind: 'end_run'; outcome: RunOutcome };

export interface RunOutcome {
  /** All sections are done, or as many as the policy asks for. */
  is_complete: boolean;
  /** Why the run ended before that. */
  reason: string | undefined;
}

/** What a status file knows of a section; what a new run begins with has only an id. */
export interface SectionSeed {
  id: string;
  state?: SectionState | undefined;
  attempt?: number | undefined;
  failures?: number | undefined;
  losses?: number | undefined;
  host?: string | undefined;
  failed_on?: readonly string[] | undefined;
  error?: string | undefined;
  /** The only host that may run it. */
  bound_to?: string | undefined;
  /** The sum that its outputs are in, and where that is. */
  sum?: { id: string; host: string } | undefined;
  /** An earlier master has started it there: it must be seen to have ended first. */
  held_by?: string | undefined;
}
