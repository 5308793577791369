/**
 * The master of the bare loop: how fast tasks can go from one process to others over node:net and msgpack when there is
 * no scheduler, no failure, no state and no log. It is the measure of everything else.
 *
 *     submit -> queue -> [kind, argument, argument, ...] one frame a flush -> worker
 *                        [result, result, ...]                             <- worker
 *
 * A worker answers in order, so the callbacks of what is under way wait in a ring per connection and tasks need no ids.
 * `depth` tasks are under way per connection. One kind of task at a time.
 */
import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import type { Kind } from '../tasks.js';
import { Codec } from './codec.cjs';
import { FrameReader } from './frames.cjs';
import { listen, type OnBytes } from './listener.js';
import { end_all, spawn_worker } from './processes.js';

const SLAB_BYTES = 64 * 1024;
const SLAB_BYTES_OF_MANY = 4 * 1024;

export type OnResult = (result: unknown) => void;

export class BareLoop {
  readonly #depth: number;
  readonly #peers: Peer[] = [];
  readonly #children: ChildProcess[] = [];
  #server: Server | undefined;
  #wanted = 0;
  #on_ready: (() => void) | undefined;
  // The peer that is likely to have room: the one that answered last.
  #next: Peer | undefined;
  #kind: Kind = 'noop';
  // Two parallel arrays instead of an object a task; what is before #head is done.
  #arguments: unknown[] = [];
  #callbacks: OnResult[] = [];
  #head = 0;
  // Peers with a batch that has not been written, to be flushed in the next microtask.
  readonly #unflushed: Peer[] = [];
  readonly #flush_all = (): void => {
    for (const peer of this.#unflushed) peer.flush();
    this.#unflushed.length = 0;
  };

  constructor(depth: number) {
    this.#depth = depth;
  }

  /** Starts `processes` workers of `connections` each. Tasks may be submitted at once. */
  async start(processes: number, connections = 1): Promise<void> {
    this.#wanted = processes * connections;
    const { server, port } = await listen((socket) => this.#accept(socket));
    this.#server = server;
    for (let j = 0; j < processes; j++) this.#children.push(spawn_worker(port, connections, 'tasks'));
  }

  /** Waits until all workers have connected. */
  async ready(): Promise<void> {
    if (this.#peers.length === this.#wanted) return;
    await new Promise<void>((resolve) => {
      this.#on_ready = resolve;
    });
  }

  /** Has a task run; `on_result` is called with what comes back. */
  submit(kind: Kind, argument: unknown, on_result: OnResult): void {
    if (kind !== this.#kind) this.#change_kind(kind);
    const peer = this.#peer_with_room();
    if (peer === undefined) {
      this.#arguments.push(argument);
      this.#callbacks.push(on_result);
      return;
    }
    const was_flushed = peer.is_flushed;
    peer.add(kind, argument, on_result);
    if (!peer.has_room) {
      peer.flush();
    } else if (was_flushed) {
      if (this.#unflushed.length === 0) queueMicrotask(this.#flush_all);
      this.#unflushed.push(peer);
    }
  }

  async stop(): Promise<void> {
    this.#server?.close();
    await end_all(this.#children);
    for (const peer of this.#peers) peer.socket.destroy();
  }

  #change_kind(kind: Kind): void {
    if (this.#head < this.#callbacks.length || this.#peers.some((peer) => peer.under_way > 0)) {
      throw new Error(`the bare loop runs one kind of task at a time, ${this.#kind} now, not ${kind}`);
    }
    this.#kind = kind;
  }

  #accept(socket: Socket): OnBytes {
    const peer = new Peer(socket, this.#depth, this.#wanted > 8 ? SLAB_BYTES_OF_MANY : SLAB_BYTES);
    this.#peers.push(peer);
    socket.on('error', () => socket.destroy());
    this.#refill(peer);
    if (this.#peers.length === this.#wanted) this.#on_ready?.();
    return (buffer, length) => {
      peer.frames.read(buffer, length);
      this.#refill(peer);
    };
  }

  #peer_with_room(): Peer | undefined {
    if (this.#next?.has_room) return this.#next;
    this.#next = this.#head < this.#callbacks.length ? undefined : this.#peers.find((peer) => peer.has_room);
    return this.#next;
  }

  /** Gives `peer` as many waiting tasks as it has room for, in one frame. */
  #refill(peer: Peer): void {
    const end = Math.min(this.#callbacks.length, this.#head + this.#depth - peer.under_way);
    if (this.#head < end) {
      for (let j = this.#head; j < end; j++) {
        peer.add(this.#kind, this.#arguments[j], this.#callbacks[j]!);
        this.#arguments[j] = undefined;
      }
      this.#head = end;
      peer.flush();
    }
    if (this.#head === this.#callbacks.length) {
      this.#arguments = [];
      this.#callbacks = [];
      this.#head = 0;
      this.#next = peer;
    }
  }
}

/** One connection, with the batch that is being gathered for it and the ring of what it has not answered yet. */
class Peer {
  readonly socket: Socket;
  readonly frames: FrameReader;
  under_way = 0;
  readonly #codec: Codec;
  readonly #depth: number;
  readonly #ring: (OnResult | undefined)[];
  #oldest = 0;
  #batch: unknown[] = [];

  constructor(socket: Socket, depth: number, slab_bytes: number) {
    this.socket = socket;
    this.#depth = depth;
    this.#codec = new Codec(slab_bytes);
    this.#ring = new Array(depth).fill(undefined);
    this.frames = new FrameReader((source, start, end) => this.#settle(source, start, end));
  }

  get has_room(): boolean {
    return this.under_way < this.#depth;
  }

  get is_flushed(): boolean {
    return this.#batch.length === 0;
  }

  add(kind: Kind, argument: unknown, on_result: OnResult): void {
    if (this.#batch.length === 0) this.#batch.push(kind);
    this.#batch.push(argument);
    this.#ring[(this.#oldest + this.under_way) % this.#depth] = on_result;
    this.under_way++;
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    this.#codec.write(this.socket, this.#batch);
    this.#batch = [];
  }

  #settle(source: Buffer, start: number, end: number): void {
    for (const result of this.#codec.read(source, start, end)) {
      const on_result = this.#ring[this.#oldest]!;
      this.#oldest = (this.#oldest + 1) % this.#depth;
      this.under_way--;
      on_result(result);
    }
  }
}
