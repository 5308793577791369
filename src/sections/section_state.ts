/** Where a section stands, and where a piece of a file stands. The words are those of the status file. */
export type SectionState =
  /** Waits for a slot. */
  | 'todo'
  /** Has a slot; its inputs are on their way, or its program is about to start. */
  | 'sent'
  /** Its program runs. */
  | 'running'
  /** Its program has ended well; its outputs are on its host. */
  | 'finished'
  /** Its outputs are in the files of the master. */
  | 'collected'
  /** Its attempts are used up. */
  | 'failed';

export type SectionTransition = 'send' | 'start' | 'finish' | 'collect' | 'back' | 'give_up' | 'reset';

/** The whole machine. What is not written here cannot happen. `back` is to the queue, charged or not. */
export const SECTION_TRANSITIONS = {
  todo: { send: 'sent', give_up: 'failed', reset: 'todo' },
  sent: { start: 'running', finish: 'finished', back: 'todo', give_up: 'failed' },
  running: { finish: 'finished', back: 'todo', give_up: 'failed' },
  finished: { collect: 'collected', back: 'todo', give_up: 'failed', reset: 'todo' },
  collected: {},
  failed: { reset: 'todo' },
} as const satisfies Record<SectionState, Partial<Record<SectionTransition, SectionState>>>;

/** The state that follows. @throws Error when the table has no such transition: a bug in the plan */
export function next_section_state(state: SectionState, transition: SectionTransition): SectionState {
  const row: Partial<Record<SectionTransition, SectionState>> = SECTION_TRANSITIONS[state];
  const next = row[transition];
  if (next === undefined) throw new Error(`a section that is ${state} cannot ${transition}`);
  return next;
}

/** It has a slot. */
export function is_under_way(state: SectionState): boolean {
  return state === 'sent' || state === 'running';
}

export type PieceState =
  /** Not there. */
  | 'absent'
  /** On its way, or being written: nobody may read it. */
  | 'staging'
  /** There, with size and SHA-256. */
  | 'present'
  /** There, and of no use: of an attempt that is over, or of an input that has changed. */
  | 'stale';

export type PieceTransition = 'stage' | 'arrive' | 'break' | 'spoil' | 'remove';

export const PIECE_TRANSITIONS = {
  absent: { stage: 'staging', remove: 'absent', break: 'absent', spoil: 'absent' },
  staging: { arrive: 'present', break: 'absent', spoil: 'stale', remove: 'absent' },
  present: { arrive: 'present', spoil: 'stale', remove: 'absent', break: 'absent' },
  stale: { stage: 'staging', spoil: 'stale', remove: 'absent', break: 'absent' },
} as const satisfies Record<PieceState, Partial<Record<PieceTransition, PieceState>>>;

/** The state that follows. @throws Error when the table has no such transition: a bug in the registry */
export function next_piece_state(state: PieceState, transition: PieceTransition): PieceState {
  const row: Partial<Record<PieceTransition, PieceState>> = PIECE_TRANSITIONS[state];
  const next = row[transition];
  if (next === undefined) throw new Error(`a piece that is ${state} cannot ${transition}`);
  return next;
}
