/**
 * Listener: accepts connections, and hands on those that proved that they know the secret.
 *
 * A client that proves nothing costs one socket and a few kilobytes for HANDSHAKE_TIMEOUT at most; beyond
 * MAX_PENDING such clients the oldest is dropped. It never disturbs anything else.
 */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { NetworkError } from '../errors.js';
import { type Identity, MasterHandshake } from '../wire/hello.js';
import type { Link } from './link.js';
import { TcpLink } from './tcp_link.js';

/** Time in which a client must have proved itself, ms. */
export const HANDSHAKE_TIMEOUT = 5000;
/** A client that waits costs 30 KB, encrypted up to 90: with fewer places a thousand idle ones would throw each other out all the time. */
const MAX_PENDING = 2048;
/** For the reason of a refusal to reach the client, ms. */
const LAST_WORDS_TIME = 1000;
/** Refusals that are told in a second. A crowd of strangers must not fill logs. */
const TOLD_PER_SECOND = 10;

/** What to do when a port cannot be listened on. */
const REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program holds it: give the option port another number or a wider range',
  EACCES: 'this user may not listen there: give the option port a number from 1024 on',
};

export interface ListenerEvents {
  /** Whether there is something that this slave, which resumes and has not proved itself yet, could go on with. */
  knows(identity: Identity): boolean;
  /** A client has proved itself. `rest` came with its proof and is overwritten after the return. */
  on_accept(identity: Identity, link: Link, rest: Buffer): void;
  /** A client was turned away. Of a crowd only the first few in each second are told. */
  on_refuse(peer: string, reason: Error): void;
}

/** How many clients may be in the handshake: strangers must leave half of the descriptors to slaves and files. */
export function pending_places(limits: string): number {
  const [, most] = /^Max open files +\S+ +(\d+)/m.exec(limits) ?? [];
  return Math.min(MAX_PENDING, Math.floor(Number(most ?? Infinity) / 2));
}

/** The limits of this process, as Linux tells them; elsewhere nothing. node has raised the soft ones to the hard ones. */
function read_limits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}

export class Listener {
  readonly #secret: Buffer;
  readonly #events: ListenerEvents;
  readonly #servers: Server[] = [];
  readonly #max_pending: number;
  readonly #pending = new Set<Link>();
  /** Refusals that were told in that second. */
  #told = 0;
  #told_in = 0;
  #port = 0;

  /** `max_pending` clients may be in the handshake at a time. */
  constructor(secret: Buffer, events: ListenerEvents, max_pending = pending_places(read_limits())) {
    this.#secret = secret;
    this.#max_pending = max_pending;
    this.#events = events;
  }

  /** Where it listened last. */
  get port(): number {
    return this.#port;
  }

  /**
   * Listens on `host`, on the first port from `low` to `high` that is free; 0 lets the system choose. May be
   * called again for another address. Resolves to the port.
   * @throws NetworkError (PARJOB_ERR_NETWORK) when none is
   */
  async listen(host: string, low: number, high: number, is_encrypted = false): Promise<number> {
    const { TlsLink } = is_encrypted ? await import('./tls_link.js') : {};
    const server = createServer({ pauseOnConnect: true }, (socket) =>
      this.#greet(TlsLink === undefined ? TcpLink.accept(socket) : TlsLink.accept_tls(socket, this.#secret)),
    );
    server.unref();
    for (let port = low; ; port++) {
      try {
        return await this.#listen_on(server, host, port);
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (code === 'EADDRINUSE' && port < high) continue;
        const ports = low === high ? `port ${low}` : `ports ${low} to ${high}`;
        const remedy = REMEDIES[code] ?? 'give the option host a name or address of this machine';
        throw new NetworkError(
          `the master cannot listen on ${host}, ${ports}: ${(error as Error).message}; ${remedy}`,
          {
            cause: error,
          },
        );
      }
    }
  }

  #listen_on(server: Server, host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        // a failed accept (no descriptors left) concerns one client, not the job
        server.on('error', (error) => this.#events.on_refuse('unknown', error));
        this.#servers.push(server);
        this.#port = (server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const link of this.#pending) link.destroy();
  }

  #greet(link: Link): void {
    const handshake = new MasterHandshake(this.#secret, (identity) => this.#events.knows(identity));
    let is_refused = false;
    const timer = setTimeout(() => {
      if (is_refused) link.destroy();
      else refuse(new NetworkError('a client was silent in the handshake'));
    }, HANDSHAKE_TIMEOUT);
    timer.unref();
    link.set_ref(false);
    this.#pending.add(link);
    if (this.#pending.size > this.#max_pending) this.#pending.values().next().value?.destroy();
    const settle = () => {
      clearTimeout(timer);
      this.#pending.delete(link);
      link.on_close = undefined;
    };
    const refuse = (reason: Error) => {
      settle();
      link.destroy();
      this.#tell_refusal(link.peer, reason);
    };
    link.on_close = (error) =>
      refuse(error ?? new NetworkError('a client closed the connection in the handshake'));
    link.read_with({
      push: (bytes, end) => {
        const verdict = handshake.push(bytes.subarray(0, end));
        if (verdict.reply !== undefined) link.send([verdict.reply]);
        if (verdict.refused !== undefined) {
          is_refused = true;
          this.#tell_refusal(link.peer, verdict.refused);
          // it is held, unread, until its time is over: one that were let go would be back at once
          link.stop_reading();
          link.on_close = settle;
          if (verdict.reply === undefined) return;
          link.close();
          setTimeout(() => link.destroy(), LAST_WORDS_TIME).unref();
        } else if (handshake.identity !== undefined && verdict.rest !== undefined) {
          settle();
          this.#events.on_accept(handshake.identity, link, verdict.rest);
        }
      },
    });
  }

  #tell_refusal(peer: string, reason: Error): void {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#told_in) {
      this.#told_in = second;
      this.#told = 0;
    }
    if (++this.#told <= TOLD_PER_SECOND) this.#events.on_refuse(peer, reason);
  }
}
