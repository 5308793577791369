/** The events of a ParJob. Listeners only observe: what they throw changes nothing. */
import { Emitter } from '../base/emitter.js';

/** Every event of a ParJob, with what its listeners get. Times are ms. */
export interface SectionEvents {
  /** A section was given to a host. */
  section_sent: { id: string; attempt: number; host: string };
  section_started: { id: string; attempt: number; host: string; pid: number };
  section_progress: { id: string; attempt: number; host: string; done: number; total: number | undefined };
  section_checkpoint: { id: string; attempt: number; host: string; text: string };
  /** Its outputs are on its host. */
  section_finished: { id: string; attempt: number; host: string; run_ms: number };
  /** An attempt ended without outputs. It may be tried again: see section_given_up. */
  section_failed: { id: string; attempt: number; host: string; why: string; text: string };
  section_given_up: { id: string; text: string };
  section_collected: { id: string };
  host_good: { host: string };
  host_benched: { host: string; reason: string };
  host_gone: { host: string };
  /** A line for people. Those above `verb` are not printed. */
  notice: { level: number; text: string };
}

export type SectionEvent = keyof SectionEvents;
/** Every event. The compiler sees to it that none is missing. */
const NAMES: Readonly<Record<SectionEvent, true>> = {
  section_sent: true,
  section_started: true,
  section_progress: true,
  section_checkpoint: true,
  section_finished: true,
  section_failed: true,
  section_given_up: true,
  section_collected: true,
  host_good: true,
  host_benched: true,
  host_gone: true,
  notice: true,
};

export type SectionListener<E extends SectionEvent> = (event: SectionEvents[E]) => void;

export class SectionEmitter extends Emitter<SectionEvents> {
  constructor() {
    super(NAMES, (name, error) => console.error(`parjob: a listener of ${name} threw:`, error));
  }
}
