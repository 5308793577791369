/** Emitter: listeners of events whose names are known. They only observe: what they throw changes nothing. */
import { EventEmitter } from 'node:events';
import { UsageError } from '../errors.js';
import { show } from './options.js';

/** What each listener gets, by the name of its event. */
export class Emitter<Events> {
  readonly #names: Readonly<Record<keyof Events & string, true>>;
  readonly #on_thrown: (name: string, error: unknown) => void;
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  /**
   * @param names of all events
   * @param on_thrown is told what a listener has thrown
   */
  constructor(
    names: Readonly<Record<keyof Events & string, true>>,
    on_thrown: (name: string, error: unknown) => void,
  ) {
    this.#names = names;
    this.#on_thrown = on_thrown;
  }

  /** @throws UsageError (PARJOB_ERR_USAGE) for a name that no event has, or what is no function */
  on<E extends keyof Events & string>(name: E, listener: (event: Events[E]) => void): void {
    if (!Object.hasOwn(this.#names, name)) {
      const names = Object.keys(this.#names).join(', ');
      throw new UsageError(`on: there is no event ${show(name)}; there are ${names}`);
    }
    if (typeof listener !== 'function')
      throw new UsageError(`on: the listener of ${name} must be a function, got ${show(listener)}`);
    this.#emitter.on(name, listener);
  }

  off<E extends keyof Events & string>(name: E, listener: (event: Events[E]) => void): void {
    this.#emitter.off(name, listener);
  }

  /** Whether making the event is worth while. */
  has_listeners(name: keyof Events & string): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  emit<E extends keyof Events & string>(name: E, event: Events[E]): void {
    for (const listener of this.#emitter.listeners(name)) {
      try {
        listener(event);
      } catch (error) {
        this.#on_thrown(name, error);
      }
    }
  }
}
