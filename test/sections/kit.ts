/** ParJobs with real slaves for a test, on 'hosts' that are this machine under other names, with nothing left behind. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { LaunchedProcess, LaunchOrder } from '../../src/launch/launcher.js';
import { LocalLauncher } from '../../src/launch/local.js';
import { LocalSlave } from '../../src/master/local_slave.js';
import { ParJob } from '../../src/sections/par_job.js';
import type { ParJobOptions } from '../../src/sections/par_job_options.js';
import type { SectionEvent, SectionEvents } from '../../src/sections/section_events.js';

/** A new folder, removed after the test. */
export function test_folder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parjob-sections-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits for its gate, if it has one and the folder of that is there, and goes by the name of its host. */
const AS_HOST =
  'until [ -e "$1" ]; do [ -d "$(dirname "$1")" ] || exit 1; sleep .02; done; hostname "$0" && shift && exec "$@"';

class HostLauncher extends LocalLauncher {
  readonly #host: string;
  readonly #gate: string;
  /** Its host does not answer. */
  is_down = false;

  constructor(host: string, gate = '/') {
    super({});
    this.#host = host;
    this.#gate = gate;
  }

  override start(orders: readonly LaunchOrder[]): LaunchedProcess[] {
    if (this.is_down) throw new Error(`host ${this.#host} does not answer`);
    return super.start(orders);
  }

  override command(order: LaunchOrder): string[] {
    const unshare = process.getuid?.() === 0 ? ['unshare', '--uts'] : ['unshare', '--map-root-user', '--uts'];
    return [...unshare, 'sh', '-c', AS_HOST, this.#host, this.#gate, ...super.command(order)];
  }
}

/** A slave that takes itself to be on a host of that name. */
export class HostSlave extends LocalSlave {
  override readonly launcher: HostLauncher;

  /** @param gate it connects when this file is there */
  constructor(host: string, gate?: string) {
    super();
    this.launcher = new HostLauncher(host, gate);
  }

  /** Ends its process, as if by a power cut, and lets none be started. */
  power_off(): void {
    this.launcher.is_down = true;
    if (this.pid !== undefined) process.kill(this.pid, 'SIGKILL');
  }
}

/** Slaves on hosts: `hosts('a', 'a', 'b')` has two slots on a and one on b. */
export function hosts(...names: string[]): HostSlave[] {
  return names.map((name) => new HostSlave(name));
}

/** Slaves on a and b, of which b comes when it is told to: what is sent before that is sent to a. */
export function a_before_b(folder: string): { slaves: HostSlave[]; b_comes: () => void } {
  const gate = join(folder, 'b-comes');
  return { slaves: [...hosts('a'), new HostSlave('b', gate)], b_comes: () => writeFileSync(gate, '') };
}

/** Options that keep all that a run writes in `folder`; scratch folders are `folder/scratch/<host>`. */
export function in_folder(
  folder: string,
  names: readonly string[] = ['a', 'b', 'c'],
): Partial<ParJobOptions> {
  return {
    jobname: 'test',
    log_dir: join(folder, 'logs'),
    status_file: join(folder, 'test.sections'),
    scratch: Object.fromEntries(names.map((name) => [name, join(folder, 'scratch', name)])),
    verb: -1,
    job: { log_level: 'silent' },
  };
}

/** A ParJob that is stopped after the test. */
export function test_job(folder: string, options: ParJobOptions): ParJob {
  const parjob = new ParJob({ ...in_folder(folder), ...options });
  onTestFinished(() => parjob.stop());
  return parjob;
}

/** What a run has said, by name of the event. */
export function record_events(
  parjob: ParJob,
  ...names: SectionEvent[]
): { name: SectionEvent; event: never }[] {
  const events: { name: SectionEvent; event: never }[] = [];
  for (const name of names) parjob.on(name, (event) => events.push({ name, event: event as never }));
  return events;
}

/** The next event of that name for which `holds` is true. */
export function next_event<E extends SectionEvent>(
  parjob: ParJob,
  name: E,
  holds: (event: SectionEvents[E]) => boolean = () => true,
): Promise<SectionEvents[E]> {
  return new Promise((resolve) => {
    const listener = (event: SectionEvents[E]) => {
      if (!holds(event)) return;
      parjob.off(name, listener);
      resolve(event);
    };
    parjob.on(name, listener);
  });
}

/** All files below a folder. */
export function files_below(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  } catch {
    return [];
  }
}
