/** A launcher that is loaded with its first launch: a job of local slaves has no use for the others. */
import type { LaunchedProcess, Launcher, LauncherFacts, LaunchOrder } from './launcher.js';
import type { Pace } from './pace.js';

export class LazyLauncher implements Launcher {
  readonly kind: string;
  readonly host: string;
  readonly reach: 'local' | 'network';
  readonly pace: Pace;
  readonly #load: () => Promise<Launcher>;
  #loaded: Promise<Launcher> | undefined;

  constructor({ kind, host, reach, pace }: LauncherFacts, load: () => Promise<Launcher>) {
    this.kind = kind;
    this.host = host;
    this.reach = reach;
    this.pace = pace;
    this.#load = load;
  }

  async start(orders: readonly LaunchOrder[]): Promise<LaunchedProcess[]> {
    this.#loaded ??= this.#load();
    return (await this.#loaded).start(orders);
  }
}
