/**
 * The hello: how slave and master prove to each other that they know the job's secret, before either
 * decodes anything else that the other sent.
 *
 *     slave ─▶ master   hello      magic 4 | version u16 | role u8 | is_resuming u8 | slave_id u32 | launch u32 | nonce 32
 *     master ─▶ slave   challenge  magic 4 | version u16 | status u16 | nonce 32 | HMAC 32
 *     slave ─▶ master   proof      HMAC 32
 *
 * Each HMAC is HMAC-SHA-256 with the secret as key, over a word that names its direction and all bytes
 * that came before it, so that nothing can be replayed, reflected or downgraded. The records have fixed
 * sizes. The far ends are pure: bytes go in, bytes and a verdict come out.
 *
 * Nothing here knows of sockets or of time; whoever holds the socket sets the time limit.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ProtocolError } from '../errors.js';

/** Raised with every change of PROTOCOL.md. Master and slave must have the same. */
export const PROTOCOL_VERSION = 3;

export const SECRET_BYTES = 32;
const MAGIC = 0x504a4f42;
const NONCE_BYTES = 32;
const MAC_BYTES = 32;
const HELLO_BYTES = 16 + NONCE_BYTES;
const CHALLENGE_BYTES = 8 + NONCE_BYTES + MAC_BYTES;

const STATUS_OK = 0;
const STATUS_VERSION_DIFFERS = 1;
/** Go on, but this master knows nothing of the connection that is to be resumed. */
const STATUS_UNKNOWN = 2;

/** Which of its two connections a slave opens. */
export type LinkRole = 'main' | 'pulse';
/** The id of a slave that comes by itself and has none yet. */
export const NO_SLAVE_ID = 2 ** 32 - 1;
const ROLES: readonly LinkRole[] = ['main', 'pulse'];

/** Who a slave says it is. */
export interface Identity {
  slave_id: number;
  /** How often this slave has been launched before: tells a slave from its own predecessor. */
  launch: number;
  role: LinkRole;
  /** An earlier connection of this launch and role broke, and this one goes on where it ended. */
  is_resuming: boolean;
}

function mac(secret: Buffer, direction: string, ...parts: Buffer[]): Buffer {
  const hmac = createHmac('sha256', secret).update(direction);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** A fixed number of bytes, gathered from pieces of any size. */
class Record {
  readonly bytes: Buffer;
  #filled = 0;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  /** Takes what it needs of `bytes`; returns the rest when it is full, undefined while it is not. */
  push(bytes: Buffer): Buffer | undefined {
    const taken = bytes.copy(this.bytes, this.#filled);
    this.#filled += taken;
    return this.#filled === this.bytes.length ? bytes.subarray(taken) : undefined;
  }
}

/** Why a peer was refused. */
export type Refusal = 'stranger' | 'version_differs' | 'bad_secret';

/** The peer was refused in the handshake. */
export class HandshakeError extends ProtocolError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, message: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** What a far end makes of the bytes that came. */
export interface Verdict {
  /** Bytes to send now. */
  reply?: Buffer;
  /** Bytes that came after the handshake; set when the peer is accepted. */
  rest?: Buffer;
  /** Why the peer is refused. */
  refused?: HandshakeError;
  /** For the slave: the master knows nothing of the connection that is to be resumed. */
  is_unknown?: boolean;
}

/** The master's end, for one connection. */
export class MasterHandshake {
  readonly #secret: Buffer;
  readonly #knows: (identity: Identity) => boolean;
  readonly #hello = new Record(HELLO_BYTES);
  readonly #proof = new Record(MAC_BYTES);
  #challenge: Buffer | undefined;
  #is_hello_read = false;
  #refused: HandshakeError | undefined;
  /** Who was accepted. */
  identity: Identity | undefined;

  /** `knows` says whether there is something that a slave which resumes could go on with. */
  constructor(secret: Buffer, knows: (identity: Identity) => boolean = () => true) {
    this.#secret = secret;
    this.#knows = knows;
  }

  push(bytes: Buffer): Verdict {
    if (this.#refused !== undefined) return { refused: this.#refused };
    const verdict = this.#push(bytes);
    if (verdict.refused !== undefined) this.#refused = verdict.refused;
    return verdict;
  }

  #push(bytes: Buffer): Verdict {
    let rest: Buffer | undefined = bytes;
    let reply: Buffer | undefined;
    if (!this.#is_hello_read) {
      rest = this.#hello.push(bytes);
      if (rest === undefined) return {};
      this.#is_hello_read = true;
      const verdict = this.#answer_hello();
      if (verdict.refused !== undefined) return verdict;
      reply = verdict.reply;
    }
    rest = this.#proof.push(rest);
    if (rest === undefined) return reply === undefined ? {} : { reply };
    const expected = mac(this.#secret, 'parjob slave', this.#hello.bytes, this.#challenge as Buffer);
    if (!timingSafeEqual(expected, this.#proof.bytes)) {
      return {
        refused: new HandshakeError(
          'bad_secret',
          'a client did not prove that it knows the secret of this job',
        ),
      };
    }
    this.identity = this.#said_identity();
    return { rest };
  }

  /** Who the slave says that it is. */
  #said_identity(): Identity {
    const hello = this.#hello.bytes;
    return {
      slave_id: hello.readUInt32BE(8),
      launch: hello.readUInt32BE(12),
      role: ROLES[hello[6] as number] as LinkRole,
      is_resuming: hello[7] === 1,
    };
  }

  #answer_hello(): Verdict {
    const hello = this.#hello.bytes;
    if (hello.readUInt32BE(0) !== MAGIC)
      return { refused: new HandshakeError('stranger', 'a client spoke another protocol') };
    const challenge = Buffer.alloc(CHALLENGE_BYTES);
    challenge.writeUInt32BE(MAGIC, 0);
    challenge.writeUInt16BE(PROTOCOL_VERSION, 4);
    const version = hello.readUInt16BE(4);
    if (version !== PROTOCOL_VERSION) {
      challenge.writeUInt16BE(STATUS_VERSION_DIFFERS, 6);
      return { reply: challenge, refused: version_differs('a slave', version, 'this master') };
    }
    if (ROLES[hello[6] as number] === undefined)
      return { refused: new HandshakeError('stranger', `a client has the unknown role ${hello[6]}`) };
    if ((hello[7] as number) > 1)
      return { refused: new HandshakeError('stranger', `a client has the unknown flags ${hello[7]}`) };
    const said = this.#said_identity();
    challenge.writeUInt16BE(said.is_resuming && !this.#knows(said) ? STATUS_UNKNOWN : STATUS_OK, 6);
    randomBytes(NONCE_BYTES).copy(challenge, 8);
    mac(this.#secret, 'parjob master', hello, challenge.subarray(0, 8 + NONCE_BYTES)).copy(
      challenge,
      8 + NONCE_BYTES,
    );
    this.#challenge = challenge;
    return { reply: challenge };
  }
}

function version_differs(peer: string, version: number, self: string): HandshakeError {
  return new HandshakeError(
    'version_differs',
    `${peer} speaks version ${version} of the protocol, ${self} version ${PROTOCOL_VERSION}: install the same parjob on both`,
  );
}

/** The slave's end, for one connection. */
export class SlaveHandshake {
  readonly #secret: Buffer;
  /** What to send first. */
  readonly hello: Buffer;
  readonly #challenge = new Record(CHALLENGE_BYTES);

  constructor(secret: Buffer, identity: Identity) {
    this.#secret = secret;
    this.hello = Buffer.alloc(HELLO_BYTES);
    this.hello.writeUInt32BE(MAGIC, 0);
    this.hello.writeUInt16BE(PROTOCOL_VERSION, 4);
    this.hello.writeUInt8(ROLES.indexOf(identity.role), 6);
    this.hello.writeUInt8(identity.is_resuming ? 1 : 0, 7);
    this.hello.writeUInt32BE(identity.slave_id, 8);
    this.hello.writeUInt32BE(identity.launch, 12);
    randomBytes(NONCE_BYTES).copy(this.hello, 16);
  }

  push(bytes: Buffer): Verdict {
    const rest = this.#challenge.push(bytes);
    if (rest === undefined) return {};
    const challenge = this.#challenge.bytes;
    if (challenge.readUInt32BE(0) !== MAGIC)
      return { refused: new HandshakeError('stranger', 'something else than a parjob master answers there') };
    if (challenge.readUInt16BE(6) === STATUS_VERSION_DIFFERS) {
      return { refused: version_differs('the master', challenge.readUInt16BE(4), 'this slave') };
    }
    const expected = mac(this.#secret, 'parjob master', this.hello, challenge.subarray(0, 8 + NONCE_BYTES));
    if (!timingSafeEqual(expected, challenge.subarray(8 + NONCE_BYTES))) {
      return {
        refused: new HandshakeError(
          'bad_secret',
          'the master there does not know the secret of this job: it is the master of another one',
        ),
      };
    }
    const is_unknown = challenge.readUInt16BE(6) === STATUS_UNKNOWN;
    return { reply: mac(this.#secret, 'parjob slave', this.hello, challenge), rest, is_unknown };
  }
}
