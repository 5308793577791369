/** Strangers: clients that prove nothing, each in another way. They come back when they are thrown out. */
import { connect, type Socket } from 'node:net';
import { type Identity, SECRET_BYTES, SlaveHandshake } from '../../src/wire/hello.js';

const IDENTITY: Identity = { slave_id: 0, launch: 0, role: 'main', is_resuming: false };
const CHUNK = Buffer.alloc(64 * 1024, 'babble ');
/** One byte at a time. */
const DRIP_INTERVAL = 100;

/** How a stranger behaves. */
export type Manner =
  /** Says nothing. */
  | 'idle'
  /** Begins a hello and does not end it. */
  | 'half_hello'
  /** Says a hello, and all of the proof but one byte. */
  | 'half_proof'
  /** Says a hello, byte by byte. */
  | 'drip'
  /** Says what is no hello, as much as goes. */
  | 'babble'
  /** Says a good hello, and then as much as goes. */
  | 'babble_after_hello';

export const MANNERS: readonly Manner[] = [
  'idle',
  'half_hello',
  'half_proof',
  'drip',
  'babble',
  'babble_after_hello',
];

export interface StrangerOptions {
  /** Comes back so long after it was thrown out, ms; never when undefined. */
  come_back_after?: number | undefined;
  /** Most bytes that it says a second; as much as goes when undefined. */
  bytes_per_second?: number | undefined;
  /** Whether it says something now and then of itself. @default true */
  has_timers?: boolean | undefined;
}

export class Stranger {
  readonly manner: Manner;
  readonly #port: number;
  readonly #options: StrangerOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #is_ended = false;
  is_connected = false;
  /** How often it was thrown out. */
  ends = 0;
  /** Bytes that it has said, over all its connections. */
  said = 0;

  constructor(port: number, manner: Manner, options: StrangerOptions = {}) {
    this.#port = port;
    this.manner = manner;
    this.#options = options;
    this.#connect();
  }

  end(): void {
    this.#is_ended = true;
    clearInterval(this.#timer);
    this.#socket?.destroy();
  }

  /** Says `bytes`, as far as it is connected. */
  say(bytes: Buffer): boolean {
    this.said += bytes.length;
    return this.#socket?.write(bytes) ?? false;
  }

  #connect(): void {
    const socket = connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    socket.on('connect', () => {
      this.is_connected = true;
      this.#begin();
    });
    // what it is told does not interest it
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => this.#on_close());
  }

  #on_close(): void {
    this.is_connected = false;
    this.ends++;
    clearInterval(this.#timer);
    const { come_back_after } = this.#options;
    if (come_back_after === undefined || this.#is_ended) return;
    setTimeout(() => {
      if (!this.#is_ended) this.#connect();
    }, come_back_after).unref();
  }

  #begin(): void {
    const { hello } = new SlaveHandshake(Buffer.alloc(SECRET_BYTES), IDENTITY);
    switch (this.manner) {
      case 'idle':
        return;
      case 'half_hello':
        this.say(hello.subarray(0, hello.length - 1));
        return;
      case 'half_proof':
        this.say(Buffer.concat([hello, Buffer.alloc(31)]));
        return;
      case 'drip':
        if (this.#options.has_timers === false) return;
        this.#timer = setInterval(() => this.say(hello.subarray(0, 1)), DRIP_INTERVAL);
        return;
      case 'babble_after_hello':
        this.say(hello);
        return this.#babble();
      case 'babble':
        return this.#babble();
    }
  }

  #babble(): void {
    const { bytes_per_second } = this.#options;
    const socket = this.#socket as Socket;
    if (bytes_per_second !== undefined) {
      const piece = CHUNK.subarray(0, Math.min(CHUNK.length, bytes_per_second / 10));
      this.#timer = setInterval(() => this.say(piece), 100);
      return;
    }
    const say_more = () => {
      while (!socket.destroyed && this.say(CHUNK));
    };
    socket.on('drain', say_more);
    say_more();
  }
}
