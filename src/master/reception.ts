/**
 * Reception: where slaves come in. It holds the secret of the job, opens the doors at which slaves prove that they
 * know it, and brings each connection to its session; also those of slaves that somebody else has started.
 */
import { randomBytes } from 'node:crypto';
import type { Log } from '../base/log.js';
import type { Link } from '../net/link.js';
import { Listener } from '../net/listener.js';
import { type Identity, NO_SLAVE_ID, SECRET_BYTES } from '../wire/hello.js';
import { Doors, type Reach } from './doors.js';
import type { Estate } from './estate.js';
import type { Events } from './events.js';
import type { ResolvedJobOptions } from './job_options.js';
import { SecretFile } from './secret_file.js';
import type { Session } from './session.js';

export interface ReceptionParts {
  options: ResolvedJobOptions;
  events: Events;
  log: Log;
  session_of: (slave_id: number) => Session | undefined;
  /** A slave has come by itself from that address: the session of a new one, or undefined if none is wanted. */
  on_join: (peer: string) => Session | undefined;
  /** Its connection waits for `let_in`. */
  on_joined: (session: Session) => void;
  /** A door was opened: there the job listens now. */
  on_ports: (ports: Doors['ports']) => void;
}

/** The connection of a slave that has come by itself, and what it has said so far. */
interface Joining {
  link: Link;
  words: Buffer[];
}

export class Reception {
  readonly #parts: ReceptionParts;
  readonly #secret_file: SecretFile;
  readonly #joining = new Map<Session, Joining>();
  #secret: Buffer = randomBytes(SECRET_BYTES);
  #estate: Estate | undefined;
  #listener: Listener | undefined;
  #doors: Doors | undefined;

  constructor(parts: ReceptionParts) {
    this.#parts = parts;
    this.#secret_file = new SecretFile(() => this.secret);
  }

  /** Hexadecimal. */
  get secret(): string {
    return this.#secret.toString('hex');
  }

  /** Path of a file that holds it. */
  secret_file(): string {
    return this.#secret_file.path();
  }

  /** From now on it listens where a dead master did, with its secret, and leaves both to the next one. */
  set_estate(estate: Estate): void {
    this.#estate = estate;
    this.#secret = estate.secret ?? this.#secret;
  }

  /**
   * Where slaves of that reach find the master.
   * @throws NetworkError (PARJOB_ERR_NETWORK) when it cannot listen
   */
  async addresses(reach: Reach): Promise<string[]> {
    const doors = (this.#doors ??= this.#make_doors());
    const before = doors.ports[reach];
    const addresses = await doors.addresses(reach);
    if (before === doors.ports[reach]) return addresses;
    this.#estate?.leave_secret(this.#secret);
    this.#parts.on_ports(doors.ports);
    return addresses;
  }

  #make_doors(): Doors {
    const { options, events, log, session_of } = this.#parts;
    const listener = new Listener(this.#secret, {
      knows: (identity) => session_of(identity.slave_id)?.knows(identity) === true,
      on_accept: (identity, link, rest) => {
        if (identity.slave_id === NO_SLAVE_ID) return this.#on_join(identity, link, rest);
        const session = session_of(identity.slave_id);
        if (session === undefined) link.destroy();
        else session.accept(link, identity, rest);
      },
      on_refuse: (peer, reason) => {
        log.info({ peer, reason: reason.message }, 'a client was turned away');
        events.emit('client_refused', { peer, reason });
      },
    });
    this.#listener = listener;
    return new Doors({ options, listener, log, former: this.#estate?.ports ?? {} });
  }

  /** Somebody has started a slave by hand, and it has proved that it knows the secret. */
  #on_join(identity: Identity, link: Link, rest: Buffer): void {
    const is_new = identity.role === 'main' && !identity.is_resuming;
    const session = is_new ? this.#parts.on_join(link.peer) : undefined;
    if (session === undefined) return link.destroy();
    const words = [Buffer.from(rest)];
    link.read_with({ push: (bytes, end) => void words.push(Buffer.from(bytes.subarray(0, end))) });
    this.#joining.set(session, { link, words });
    this.#parts.on_joined(session);
  }

  /** A slave that has come by itself goes on now that its launch, which is none, is over. */
  let_in(session: Session): void {
    const joining = this.#joining.get(session);
    if (joining === undefined) return;
    this.#joining.delete(session);
    const { slave_id, launches } = session;
    const identity = { slave_id, launch: launches - 1, role: 'main', is_resuming: false } as const;
    session.accept(joining.link, identity, Buffer.concat(joining.words));
  }

  close(): void {
    this.#secret_file.remove();
    this.#listener?.close();
  }
}
