/** Exit codes by which a slave that cannot start says why. Those of the shell keep their meaning. */
import type { LaunchCause } from '../errors.js';

export const EXIT_CANNOT_REACH = 81;
export const EXIT_BAD_SECRET = 82;
export const EXIT_VERSION_DIFFERS = 83;
/** Written in bin/slave.js, which any Node must be able to read. */
export const EXIT_WRONG_NODE = 84;
/** Of the scripts that start slaves elsewhere: the master's directory is not there, or its log file cannot be written. */
export const EXIT_NO_DIRECTORY = 85;
export const EXIT_NO_LOG = 86;
const EXIT_NOT_EXECUTABLE = 126;
const EXIT_NOT_FOUND = 127;

/** What an exit code of a slave that never connected says. */
export function cause_of_exit(exit_code: number | undefined): LaunchCause {
  switch (exit_code) {
    case EXIT_CANNOT_REACH:
      return 'cannot_reach';
    case EXIT_BAD_SECRET:
      return 'bad_secret';
    case EXIT_VERSION_DIFFERS:
      return 'version_differs';
    case EXIT_WRONG_NODE:
      return 'wrong_node_version';
    case EXIT_NO_DIRECTORY:
    case EXIT_NO_LOG:
      return 'directory_missing';
    case EXIT_NOT_FOUND:
    case EXIT_NOT_EXECUTABLE:
      return 'command_not_found';
    default:
      return 'exited';
  }
}
