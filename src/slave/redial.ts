/** Dialling with patience: how a slave reaches its master, comes back to it, or learns that it is gone. */
import type { Address } from '../net/address.js';
import { DialError, type Dialled, dial } from '../net/dial.js';
import type { Identity } from '../wire/hello.js';

/** Wait before the second try, ms; doubled for each further one. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 500;
/** A slave should try so much longer than its master waits, which then says what became of it, ms. */
export const LONGER_THAN_MASTER = 2000;
/** Tries of a first dial that is cut off in the handshake. */
const FIRST_TRIES = 4;

/** Dials for the first time. @throws DialError (PARJOB_ERR_NETWORK) */
export async function first_dial(
  addresses: readonly Address[],
  secret: Buffer,
  identity: Identity,
): Promise<Dialled> {
  for (let tries = 1; ; tries++) {
    try {
      return await dial(addresses, secret, identity);
    } catch (error) {
      const { refusal, was_cut } = error as DialError;
      if (refusal !== undefined || !was_cut || tries === FIRST_TRIES) throw error;
    }
    await wait_for(FIRST_WAIT * tries);
  }
}

export interface Patience {
  /** How long to try, ms, since the connection broke. */
  timeout: number;
  /** How long to keep what there is for another master when the one that was is dead, ms. */
  lease: number;
  /** A task runs: the lease has not begun. */
  is_busy: () => boolean;
  /** The master that was is dead. Called once; what follows waits for it. */
  on_dead: () => Promise<void> | void;
}

/** Comes back after a connection broke. One object serves one connection, through all its breaks. */
export class Redialler {
  readonly #addresses: readonly Address[];
  readonly #secret: Buffer;
  readonly #identity: Identity;
  readonly #patience: Patience;
  /** Where the master was reached last: if nobody listens there any more, it is dead, whatever other addresses say. */
  #home: Address | undefined;
  #until: number | undefined;
  #is_dead = false;

  constructor(
    addresses: readonly Address[],
    secret: Buffer,
    identity: Identity,
    patience: Patience,
    home?: Address,
  ) {
    this.#home = home;
    this.#addresses = addresses;
    this.#secret = secret;
    this.#identity = { ...identity, is_resuming: true };
    this.#patience = patience;
  }

  /** The master was heard: the next break has all its time again. */
  reset(): void {
    this.#until = undefined;
  }

  /**
   * Dials until a master completes the handshake: the one that was, or, if `is_unknown`, another one.
   * @throws Error when the time is up, the master refuses, or it is dead and there is no lease
   */
  async reach(): Promise<Dialled> {
    const { timeout, lease } = this.#patience;
    // a master that takes the connection and drops it again costs time too
    if (this.#until === undefined) this.#until = performance.now() + Math.max(timeout, lease);
    else await wait_for(LONGEST_WAIT);
    for (let wait = FIRST_WAIT; ; wait = Math.min(LONGEST_WAIT, wait * 2)) {
      if (this.#is_dead && this.#patience.is_busy()) this.#until = performance.now() + lease;
      const left = this.#until - performance.now();
      if (left <= 0) throw new Error('the master could not be reached in time');
      const dialled = await this.#try(left);
      if (dialled !== undefined) return dialled;
      await wait_for(wait);
    }
  }

  async #try(timeout: number): Promise<Dialled | undefined> {
    try {
      const dialled = await dial(this.#addresses, this.#secret, this.#identity, {
        timeout,
        home: this.#home,
      });
      this.#home = dialled.address;
      if (!dialled.is_unknown) return dialled;
      await this.#mourn(new Error('the master has given this slave up'));
      return dialled;
    } catch (error) {
      if (!(error instanceof DialError) || error.refusal !== undefined) throw error;
      if (this.#says_dead(error)) await this.#mourn(error);
      return undefined;
    }
  }

  #says_dead({ without_listener }: DialError): boolean {
    const home = this.#home;
    if (home === undefined) return without_listener.length === this.#addresses.length;
    return without_listener.includes(home);
  }

  async #mourn(error: Error): Promise<void> {
    if (this.#patience.lease === 0) throw error;
    if (this.#is_dead) return;
    this.#is_dead = true;
    await this.#patience.on_dead();
    this.#until = performance.now() + this.#patience.lease;
  }
}

function wait_for(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
