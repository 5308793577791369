/** What the system refuses, as the one error of this room. */
import { ParjobError, StatusFileError } from '../errors.js';

/** Runs `action`; what the system refuses there becomes a StatusFileError that says what was tried. */
export function on_disk<T>(
  file: string,
  problem: 'unreadable' | 'unwritable',
  what: string,
  action: () => T,
): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ParjobError) throw error;
    throw new StatusFileError(`${what}: ${(error as Error).message}`, { file, problem }, { cause: error });
  }
}
