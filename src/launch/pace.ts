/** How fast slaves may be started, by the way they are. */

export interface Pace {
  /** Launches at the same time. */
  at_once: number;
  /** A launch ends when the slave is ready, or when a queue has accepted it. */
  until: 'ready' | 'accepted';
  /** Launches that may begin in a second. @default no limit */
  per_second?: number | undefined;
}

/** One command for each slave. sshd turns away who comes when ten others are at its door. */
export const COMMAND_PACE: Pace = { at_once: 8, until: 'ready', per_second: 20 };
/** One submission for many: whoever keeps a batch system asks users not to flood it. */
export const BATCH_PACE: Pace = { at_once: 1, until: 'accepted', per_second: 2 };
/** One command for many, which runs as long as they do. */
export const GROUP_PACE: Pace = { at_once: 4, until: 'accepted' };
