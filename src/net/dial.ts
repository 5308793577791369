/**
 * Dial: how a slave reaches its master. It is told a list of addresses, dials them all, a little
 * staggered, and keeps the first that completes the handshake; so a wrong guess among them is harmless.
 */
import { NetworkError } from '../errors.js';
import { HandshakeError, type Identity, type Refusal, SlaveHandshake } from '../wire/hello.js';
import { type Address, format_address } from './address.js';
import type { Link } from './link.js';
import { TcpLink } from './tcp_link.js';
import type { TlsLink } from './tls_link.js';

/** Start of the next address when the one before has not answered, ms. */
const STAGGER = 200;
/** From the refusal where the master was to giving up, ms. */
const HOMELESS_TIME = 1000;
/** All of it, unless the caller says otherwise, ms. */
const DIAL_TIMEOUT = 10_000;

export interface DialOptions {
  /** When to give up, ms. @default 10_000 */
  timeout?: number;
  /** Where the master was before: if nobody listens there any more, the others are not waited for long. */
  home?: Address | undefined;
}

/** Where the handshake was completed. `rest` came after it. */
export interface Dialled {
  link: Link;
  rest: Buffer;
  /** Which of the addresses it was. */
  address: Address;
  /** The master knows nothing of the connection that was to be resumed. */
  is_unknown: boolean;
}

/** No address led to the master. The text names every address and what it said. */
export class DialError extends NetworkError {
  /** Set when something there answered and refused, or was refused. */
  readonly refusal: Refusal | undefined;
  /** Addresses that were reached, and at which nobody listens. */
  readonly without_listener: readonly Address[];
  /** Somebody was reached, and the connection broke before it was clear who. */
  readonly was_cut: boolean;

  constructor(
    message: string,
    refusal: Refusal | undefined,
    without_listener: readonly Address[],
    was_cut: boolean,
  ) {
    super(message);
    this.refusal = refusal;
    this.without_listener = without_listener;
    this.was_cut = was_cut;
  }
}

/** Loaded when an address asks for it: a slave of the same machine has no use for it. */
let tls: typeof TlsLink | undefined;

/** @throws DialError (PARJOB_ERR_NETWORK) */
export async function dial(
  addresses: readonly Address[],
  secret: Buffer,
  identity: Identity,
  { timeout = DIAL_TIMEOUT, home }: DialOptions = {},
): Promise<Dialled> {
  if (tls === undefined && addresses.some((address) => address.is_encrypted))
    tls = (await import('./tls_link.js')).TlsLink;
  return new Promise((resolve, reject) =>
    new Dialling(addresses, secret, identity, { timeout, home }, resolve, reject).start_next(),
  );
}

/** All attempts of one dial. */
class Dialling {
  readonly #addresses: readonly Address[];
  readonly #secret: Buffer;
  readonly #identity: Identity;
  readonly #timeout: number;
  readonly #home: Address | undefined;
  readonly #resolve: (dialled: Dialled) => void;
  readonly #reject: (error: DialError) => void;
  /** What each address said, as far as it has. */
  readonly #said: (string | undefined)[] = [];
  readonly #links: Link[] = [];
  #time_limit: NodeJS.Timeout;
  #stagger: NodeJS.Timeout | undefined;
  #refusal: Refusal | undefined;
  readonly #without_listener: Address[] = [];
  #was_cut = false;

  constructor(
    addresses: readonly Address[],
    secret: Buffer,
    identity: Identity,
    { timeout, home }: { timeout: number; home: Address | undefined },
    resolve: (dialled: Dialled) => void,
    reject: (error: DialError) => void,
  ) {
    this.#addresses = addresses;
    this.#secret = secret;
    this.#identity = identity;
    this.#timeout = timeout;
    this.#home = home;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#time_limit = setTimeout(() => this.#give_up(), timeout);
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
    let is_connected = false;
    const { host, port, is_encrypted } = address;
    const on_connect = () => {
      is_connected = true;
      link.send([handshake.hello]);
    };
    const link =
      is_encrypted && tls !== undefined
        ? tls.dial_tls(host, port, this.#secret, on_connect)
        : TcpLink.dial(host, port, on_connect);
    const place = this.#links.push(link) - 1;
    link.on_close = (error) => {
      this.#said[place] = error?.message ?? 'closed the connection in the handshake';
      if (error instanceof HandshakeError) this.#refusal = error.refusal;
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED')
        this.#note_no_listener(address);
      this.#was_cut ||= is_connected;
      this.start_next();
    };
    link.read_with({
      push: (bytes, end) => this.#on_bytes(link, address, handshake, bytes.subarray(0, end)),
    });
    this.#stagger = setTimeout(() => this.start_next(), STAGGER);
  }

  #note_no_listener(address: Address): void {
    this.#without_listener.push(address);
    if (address !== this.#home) return;
    clearTimeout(this.#time_limit);
    this.#time_limit = setTimeout(() => this.#give_up(), HOMELESS_TIME);
  }

  #on_bytes(link: Link, address: Address, handshake: SlaveHandshake, bytes: Buffer): void {
    const verdict = handshake.push(bytes);
    if (verdict.refused !== undefined) {
      this.#refusal = verdict.refused.refusal;
      link.destroy(verdict.refused);
    } else if (verdict.reply !== undefined && verdict.rest !== undefined) {
      link.send([verdict.reply]);
      this.#end(link);
      const is_unknown = verdict.is_unknown === true;
      this.#resolve({ link, rest: Buffer.from(verdict.rest), address, is_unknown });
    }
  }

  #give_up(): void {
    this.#end(undefined);
    const story = this.#addresses.map(
      (address, i) =>
        `${format_address(address)} (${this.#said[i] ?? `no answer within ${this.#timeout} ms`})`,
    );
    this.#reject(
      new DialError(
        `cannot reach the master: tried ${story.join(', ') || 'no address'}`,
        this.#refusal,
        this.#without_listener,
        this.#was_cut,
      ),
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
