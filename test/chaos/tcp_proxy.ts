/**
 * TcpProxy: a bad network between slaves and master. Slaves are told its address in the place of the master's; it
 * forwards both ways, and each connection can be cut, frozen half open, slowed and delayed.
 *
 *     slave ─▶ TcpProxy ─▶ master
 *
 * Of parjob it knows the first 16 bytes of a connection only, which say whose it is. It outlives the master: the
 * target may change, and connections that come while there is none wait for one.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Bytes of the hello that say who dials: magic 4 | version 2 | role 1 | 0 | slave_id 4 | launch 4. */
const HEAD_BYTES = 16;
/** Slowed bytes are handed on so often, ms. */
const TICK = 20;

/** Whose connection it is; undefined while its first bytes have not come. */
export interface ProxyPeer {
  role: 'main' | 'pulse';
  slave_id: number;
  launch: number;
}

export interface Slowness {
  /** Bytes are handed on so much later, ms. */
  delay: number;
  bytes_per_second: number;
}

export class TcpProxy {
  readonly connections = new Set<ProxiedConnection>();
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  /** New connections get no further than here, as when the cable is out. */
  is_unplugged = false;
  #target: number | undefined;
  #waiting: (() => void)[] = [];

  #port = 0;

  /** Where it listens, on loopback; the same all its life. */
  get port(): number {
    return this.#port;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses new connections, as the port of a master that is gone does, until it listens again. */
  refuse(): void {
    this.#target = undefined;
    this.#server.close();
  }

  /** The port of the master, on loopback; undefined while there is none. */
  set target(port: number | undefined) {
    this.#target = port;
    if (port !== undefined) for (const go_on of this.#waiting.splice(0)) go_on();
  }

  /** Ends all freezing and slowness. What was cut stays cut. */
  heal(): void {
    for (const connection of this.connections) connection.heal();
  }

  async close(): Promise<void> {
    for (const connection of [...this.connections]) connection.cut('rst');
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #accept(near: Socket): void {
    const connection = new ProxiedConnection(near, () => this.connections.delete(connection));
    this.connections.add(connection);
    if (this.is_unplugged) return;
    if (this.#target === undefined) this.#waiting.push(() => connection.dial(this.#target as number));
    else connection.dial(this.#target);
  }
}

/** One connection of a slave, and the one to the master that belongs to it. */
export class ProxiedConnection {
  peer: ProxyPeer | undefined;
  readonly #near: Socket;
  readonly #on_end: () => void;
  #far: Socket | undefined;
  readonly #pipes: Pipe[] = [];
  #head = Buffer.alloc(0);
  #is_over = false;

  constructor(near: Socket, on_end: () => void) {
    this.#near = near;
    this.#on_end = on_end;
    near.setNoDelay(true);
    near.pause();
    // an error is followed by 'close', which the pipes pass on
    near.on('error', () => {});
  }

  dial(port: number): void {
    if (this.#is_over) return;
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#far = far;
    far.on('error', () => {});
    this.#pipes.push(
      new Pipe(this.#near, far, (bytes) => this.#read_head(bytes)),
      new Pipe(far, this.#near, () => {}),
    );
    let open = 2;
    for (const socket of [this.#near, far]) {
      socket.once('close', () => {
        if (--open === 0) this.#end();
      });
    }
  }

  /** Breaks it, by a reset or in good order, towards both ends at once. */
  cut(how: 'rst' | 'fin'): void {
    for (const pipe of this.#pipes) pipe.stop();
    for (const socket of [this.#near, this.#far]) {
      if (how === 'rst') socket?.resetAndDestroy();
      else socket?.destroy();
    }
    this.#end();
  }

  /** Forwards nothing any more in those directions and closes nothing: as a cable that is pulled. */
  freeze(directions: 'both' | 'to_master' | 'to_slave' = 'both'): void {
    const [to_master, to_slave] = this.#pipes;
    if (directions !== 'to_slave') to_master?.freeze();
    if (directions !== 'to_master') to_slave?.freeze();
  }

  slow(slowness: Slowness): void {
    for (const pipe of this.#pipes) pipe.slow(slowness);
  }

  /** Forwards what waits, at full speed. */
  heal(): void {
    for (const pipe of this.#pipes) pipe.heal();
  }

  #read_head(bytes: Buffer): void {
    if (this.peer !== undefined) return;
    this.#head = Buffer.concat([this.#head, bytes.subarray(0, HEAD_BYTES)]);
    if (this.#head.length < HEAD_BYTES) return;
    this.peer = {
      role: this.#head.readUInt8(6) === 0 ? 'main' : 'pulse',
      slave_id: this.#head.readUInt32BE(8),
      launch: this.#head.readUInt32BE(12),
    };
  }

  #end(): void {
    if (this.#is_over) return;
    this.#is_over = true;
    this.#on_end();
  }
}

/** One direction of a connection. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  /** What is held back, with the time from which it may go on. */
  readonly #held: { bytes: Buffer; due: number }[] = [];
  #slowness: Slowness | undefined;
  #is_frozen = false;
  #has_ended = false;
  #was_reset = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, look: (bytes: Buffer) => void) {
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes) => {
      look(bytes);
      if (this.#slowness === undefined) this.#send(bytes);
      else this.#hold(bytes, this.#slowness);
    });
    from.on('end', () => {
      this.#has_ended = true;
      this.#end_if_empty();
    });
    to.on('drain', () => this.#read_on());
    from.on('close', (had_error) => {
      this.#was_reset = had_error;
      this.#reset_if_due();
    });
    from.resume();
  }

  freeze(): void {
    this.#is_frozen = true;
    this.#from.pause();
  }

  slow(slowness: Slowness): void {
    this.#slowness = slowness;
  }

  heal(): void {
    this.#slowness = undefined;
    this.#is_frozen = false;
    clearTimeout(this.#timer);
    for (const { bytes } of this.#held.splice(0)) this.#send(bytes);
    this.#reset_if_due();
    this.#end_if_empty();
    this.#read_on();
  }

  /** Drops what is held back, for good. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #send(bytes: Buffer): void {
    if (this.#to.destroyed || this.#to.writableEnded) return;
    if (!this.#to.write(bytes)) this.#from.pause();
  }

  #read_on(): void {
    if (!this.#is_frozen && this.#held.length === 0 && this.#to.writableLength === 0) this.#from.resume();
  }

  #hold(bytes: Buffer, { delay }: Slowness): void {
    this.#held.push({ bytes, due: performance.now() + delay });
    // the slave's side must feel it, as on a slow line
    this.#from.pause();
    this.#timer ??= setTimeout(() => this.#pass_on(), TICK);
  }

  /** What may go on after one tick. */
  #pass_on(): void {
    this.#timer = undefined;
    const slowness = this.#slowness;
    if (slowness === undefined || this.#is_frozen) return;
    let allowance = Math.max(1, Math.floor((slowness.bytes_per_second * TICK) / 1000));
    const now = performance.now();
    for (let first = this.#held[0]; first !== undefined && allowance > 0 && first.due <= now; ) {
      const part = first.bytes.subarray(0, allowance);
      allowance -= part.length;
      this.#send(part);
      if (part.length === first.bytes.length) this.#held.shift();
      else first.bytes = first.bytes.subarray(part.length);
      first = this.#held[0];
    }
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.#pass_on(), TICK);
    this.#end_if_empty();
    this.#read_on();
  }

  /** A reset on one side must not look like a good end on the other, and is not seen while nothing passes. */
  #reset_if_due(): void {
    if (this.#was_reset && !this.#is_frozen) this.#to.resetAndDestroy();
  }

  #end_if_empty(): void {
    if (this.#has_ended && this.#held.length === 0 && !this.#is_frozen) this.#to.end();
  }
}
