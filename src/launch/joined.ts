/** A slave that somebody else has started, and that came by itself: see `parjob slave --connect`. */
import { fileURLToPath } from 'node:url';
import { Deferred } from '../base/deferred.js';
import { PACKAGE_ROOT } from '../base/package_root.js';
import type { LaunchedProcess, Launcher, ProcessEnd } from './launcher.js';
import { quote_all } from './quote.js';

export class JoinedLauncher implements Launcher {
  readonly kind = 'joined';
  readonly host: string;
  readonly reach = 'network';
  readonly pace = { at_once: Infinity, until: 'ready' } as const;
  #has_started = false;

  /** @param peer the address that it came from */
  constructor(peer: string) {
    this.host = peer;
  }

  /** It runs already. @throws Error when it has gone: nobody here can start it again */
  start(): LaunchedProcess[] {
    if (this.#has_started) throw new Error('it was started by hand, so it cannot be started again from here');
    this.#has_started = true;
    const ended = new Deferred<ProcessEnd>();
    return [
      {
        command: ['parjob', 'slave', '--connect'],
        pid: undefined,
        is_unwatched: true,
        ended: ended.promise,
        kill: () => ended.resolve({ exit_code: undefined, signal: undefined, error: undefined }),
      },
    ];
  }
}

/** The program `parjob`. */
const PROGRAM = fileURLToPath(new URL('bin/parjob.js', PACKAGE_ROOT));

/** A command line for a POSIX shell that starts such a slave. No secret in it. */
export function connect_command(addresses: readonly string[], secret_file: string): string {
  const words = ['slave', '--connect', addresses.join(','), '--secret-file', secret_file];
  return quote_all([process.execPath, PROGRAM, ...words]);
}
