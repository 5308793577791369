/**
 * The estate of a dead master: where it listened, the secret of its slaves, which of them may still live, and
 * which tasks they had. Kept while a job with a lease runs; taken up by the one that restarts it.
 *
 * The secret stands in a file of its own that only its owner may read, `<status file>.secret`.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { SECRET_BYTES } from '../wire/hello.js';
import type { JobTask } from './queued_task.js';

/** A slave that a master had. */
export interface Heir {
  slave_id: number;
  /** The N of its name. */
  number: number;
  launch: number;
  pid: number | undefined;
}

/** A task that a slave of the dead master had, under its place in that run. */
export interface Reserved {
  task: JobTask;
  index: number;
  attempt: number;
}

export class Estate {
  readonly #secret_file: string;
  readonly #heirs = new Map<number, Heir>();
  /** By number of the slave in its name. */
  readonly #reserved = new Map<number, Reserved[]>();
  /** Where it listened. */
  readonly ports: { local?: number | undefined; network?: number | undefined };
  readonly secret: Buffer | undefined;

  /** @param facts what the dead master has recorded of itself; undefined when there was none */
  constructor(status_file: string, facts: ReadonlyMap<string, unknown> | undefined) {
    this.#secret_file = `${status_file}.secret`;
    const { local, network } = (facts?.get('listener') ?? {}) as { local?: unknown; network?: unknown };
    this.ports = { local: as_port(local), network: as_port(network) };
    this.secret = facts === undefined ? undefined : read_secret(this.#secret_file);
    if (this.secret === undefined) return;
    if (this.ports.local === undefined && this.ports.network === undefined) return;
    for (const [name, fact] of facts ?? []) {
      const heir = name.startsWith('slave.') ? as_heir(fact) : undefined;
      if (heir !== undefined && is_alive(heir.pid)) this.#heirs.set(heir.slave_id, heir);
    }
  }

  /** The highest number that a slave had; -1 when there was none. */
  get highest_number(): number {
    return Math.max(-1, ...[...this.#heirs.values()].map(({ number }) => number));
  }

  /** The slave that may come back under this id. */
  heir(slave_id: number): Heir | undefined {
    return this.#heirs.get(slave_id);
  }

  /** Keeps `task` for what slave number `number` has made of it, if that may come. False when it will not. */
  reserve(number: number, reserved: Reserved): boolean {
    if (![...this.#heirs.values()].some((heir) => heir.number === number)) return false;
    const list = this.#reserved.get(number);
    if (list === undefined) this.#reserved.set(number, [reserved]);
    else list.push(reserved);
    return true;
  }

  /** Takes out the task that slave number `number` has made something of. */
  claim(number: number, index: number, attempt: number): JobTask | undefined {
    const list = this.#reserved.get(number) ?? [];
    const at = list.findIndex((reserved) => reserved.index === index && reserved.attempt === attempt);
    return at === -1 ? undefined : list.splice(at, 1)[0]?.task;
  }

  /** Takes out the tasks of a slave that has come back, or will not. */
  close({ slave_id, number }: Heir): JobTask[] {
    this.#heirs.delete(slave_id);
    const left = this.#reserved.get(number) ?? [];
    this.#reserved.delete(number);
    return left.map(({ task }) => task);
  }

  /** Leaves the secret for whoever restarts the run. */
  leave_secret(secret: Buffer): void {
    // never a file that is there: it may be somebody else's, who would read it
    const made = `${this.#secret_file}.${randomBytes(6).toString('hex')}`;
    const fd = openSync(made, 'wx', 0o600);
    try {
      writeSync(fd, `${secret.toString('hex')}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(made, this.#secret_file);
  }

  /** The job has ended: nobody is to come back. */
  remove_secret(): void {
    rmSync(this.#secret_file, { force: true });
  }
}

function read_secret(file: string): Buffer | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  // whoever else could write it could make slaves of ours talk to them
  if (stat === undefined || !stat.isFile() || (stat.mode & 0o077) !== 0 || stat.uid !== process.getuid?.())
    return undefined;
  const secret = Buffer.from(readFileSync(file, 'latin1').trim(), 'hex');
  return secret.length === SECRET_BYTES ? secret : undefined;
}

function as_port(fact: unknown): number | undefined {
  return Number.isInteger(fact) ? (fact as number) : undefined;
}

function as_heir(fact: unknown): Heir | undefined {
  const { slave_id, number, launch, pid } = (fact ?? {}) as Record<string, unknown>;
  if (![slave_id, number, launch].every((n) => Number.isInteger(n) && (n as number) >= 0)) return undefined;
  const known_pid = Number.isInteger(pid) && (pid as number) > 1 ? (pid as number) : undefined;
  return { slave_id: slave_id as number, number: number as number, launch: launch as number, pid: known_pid };
}

function is_alive(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
