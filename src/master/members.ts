/** Members: which slaves are in a job's list, found out by looking at it, since it can be written past all methods. */
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import { has_home, Slave } from './slave.js';

export interface MembersParts {
  on_added: (slave: Slave) => void;
  on_removed: (slave: Slave) => void;
}

export class Members {
  readonly #parts: MembersParts;
  readonly #slaves = new Set<Slave>();

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  /** @throws UsageError (PARJOB_ERR_USAGE) for what is no slave, or is in this job or another one already */
  check_new(method: string, slaves: readonly unknown[]): void {
    for (const [i, slave] of slaves.entries()) {
      if (!(slave instanceof Slave)) {
        throw new UsageError(
          `${method}: a job is a list of slaves, got ${show(slave)}: use new LocalSlave() or its like`,
        );
      }
      if (this.#slaves.has(slave) || slaves.indexOf(slave) !== i) {
        throw new UsageError(
          `${method}: ${slave} is in this job already: make another one for another process`,
        );
      }
      if (has_home(slave))
        throw new UsageError(`${method}: ${slave} is in another job: a slave has one master`);
    }
  }

  /** Tells what has come to the list and what has gone. @throws as check_new */
  look_at(list: Iterable<Slave>): void {
    const present = new Set<Slave>(list);
    for (const slave of this.#slaves) {
      if (present.has(slave)) continue;
      this.#slaves.delete(slave);
      this.#parts.on_removed(slave);
    }
    for (const slave of present) {
      if (this.#slaves.has(slave)) continue;
      this.check_new('a write to the list', [slave]);
      this.#slaves.add(slave);
      this.#parts.on_added(slave);
    }
  }
}
