/** Waits: what is waited for until an event makes it true, and what keeps the process alive meanwhile. */
import { Deferred } from '../base/deferred.js';

interface Wait {
  is_met: () => boolean;
  deferred: Deferred<void>;
}

export class Waits {
  #waits: Wait[] = [];
  #holds = 0;
  /** Fires next to never; only keeps the process alive while it is referenced. */
  readonly #keep_alive = setInterval(() => {}, 2 ** 30).unref();

  /** Resolves when `is_met`; rejects with what `is_met` throws. Looked at now, and whenever `look` is called. */
  until(is_met: () => boolean): Promise<void> {
    const deferred = new Deferred<void>();
    this.#waits.push({ is_met, deferred });
    this.look();
    return this.keep_alive(deferred.promise);
  }

  /** Something has happened. */
  look(): void {
    if (this.#waits.length === 0) return;
    this.#waits = this.#waits.filter(({ is_met, deferred }) => {
      try {
        if (!is_met()) return true;
        deferred.resolve();
      } catch (error) {
        deferred.reject(error);
      }
      return false;
    });
  }

  /** While `wait` is pending the process stays alive; an idle job holds nobody up. */
  async keep_alive<T>(wait: Promise<T>): Promise<T> {
    this.hold();
    try {
      return await wait;
    } finally {
      this.release();
    }
  }

  /** Keeps the process alive until `release` is called as often. */
  hold(): void {
    if (this.#holds++ === 0) this.#keep_alive.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.#keep_alive.unref();
  }
}
