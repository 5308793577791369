/**
 * Dial: how a slave reaches its master. It is told a list of addresses, dials them all, a little
 * staggered, and keeps the first that completes the handshake; so a wrong guess among them is harmless.
 */
import { NetworkError } from '../errors.js';
import { type Identity, type Refusal, SlaveHandshake } from '../wire/hello.js';
import type { Link } from './link.js';
import { TcpLink } from './tcp_link.js';

export interface Address {
  host: string;
  port: number;
}

/** Start of the next address when the one before has not answered, ms. */
const STAGGER = 200;
/** All of it, ms. */
const DIAL_TIMEOUT = 10_000;

/** Where the handshake was completed. `rest` came after it. */
export interface Dialled {
  link: Link;
  rest: Buffer;
}

/** No address led to the master. The text names every address and what it said. */
export class DialError extends NetworkError {
  /** Set when something there answered and refused, or was refused. */
  readonly refusal: Refusal | undefined;

  constructor(message: string, refusal: Refusal | undefined) {
    super(message);
    this.refusal = refusal;
  }
}

/** @throws DialError (PARJOB_ERR_NETWORK) */
export function dial(addresses: readonly Address[], secret: Buffer, identity: Identity): Promise<Dialled> {
  return new Promise((resolve, reject) =>
    new Dialling(addresses, secret, identity, resolve, reject).start_next(),
  );
}

/** All attempts of one dial. */
class Dialling {
  readonly #addresses: readonly Address[];
  readonly #secret: Buffer;
  readonly #identity: Identity;
  readonly #resolve: (dialled: Dialled) => void;
  readonly #reject: (error: DialError) => void;
  /** What each address said, as far as it has. */
  readonly #said: (string | undefined)[] = [];
  readonly #links: Link[] = [];
  readonly #time_limit = setTimeout(() => this.#give_up(), DIAL_TIMEOUT);
  #stagger: NodeJS.Timeout | undefined;
  #refusal: Refusal | undefined;

  constructor(
    addresses: readonly Address[],
    secret: Buffer,
    identity: Identity,
    resolve: (dialled: Dialled) => void,
    reject: (error: DialError) => void,
  ) {
    this.#addresses = addresses;
    this.#secret = secret;
    this.#identity = identity;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Dials the next address, and the one after it when this has failed or not answered for a while. */
  start_next(): void {
    clearTimeout(this.#stagger);
    const address = this.#addresses[this.#links.length];
    if (address === undefined) {
      if (this.#said.filter((text) => text !== undefined).length === this.#addresses.length) this.#give_up();
      return;
    }
    const handshake = new SlaveHandshake(this.#secret, this.#identity);
    const link = TcpLink.dial(address.host, address.port, () => link.send([handshake.hello]));
    const place = this.#links.push(link) - 1;
    link.on_close = (error) => {
      this.#said[place] = error?.message ?? 'closed the connection in the handshake';
      this.start_next();
    };
    link.read_with({ push: (bytes) => this.#on_bytes(link, handshake, bytes) });
    this.#stagger = setTimeout(() => this.start_next(), STAGGER);
  }

  #on_bytes(link: Link, handshake: SlaveHandshake, bytes: Buffer): void {
    const verdict = handshake.push(bytes);
    if (verdict.refused !== undefined) {
      this.#refusal = verdict.refused.refusal;
      link.destroy(verdict.refused);
    } else if (verdict.reply !== undefined && verdict.rest !== undefined) {
      link.send([verdict.reply]);
      this.#end(link);
      this.#resolve({ link, rest: Buffer.from(verdict.rest) });
    }
  }

  #give_up(): void {
    this.#end(undefined);
    const story = this.#addresses.map(
      ({ host, port }, i) => `${host}:${port} (${this.#said[i] ?? `no answer within ${DIAL_TIMEOUT} ms`})`,
    );
    this.#reject(
      new DialError(`cannot reach the master: tried ${story.join(', ') || 'no address'}`, this.#refusal),
    );
  }

  #end(kept: Link | undefined): void {
    clearTimeout(this.#time_limit);
    clearTimeout(this.#stagger);
    for (const link of this.#links) {
      link.on_close = undefined;
      if (link !== kept) link.destroy();
    }
  }
}
