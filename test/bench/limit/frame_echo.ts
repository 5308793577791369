/**
 * Bare frames: u32 length + body to one worker and back, with a promise each and nothing else. The measure of messages.
 */
import type { ChildProcess } from 'node:child_process';
import type { Server, Socket } from 'node:net';
import { FrameReader, write_frame } from './frames.cjs';
import { listen } from './listener.js';
import { end_all, spawn_worker } from './processes.js';

export class FrameEcho {
  readonly #children: ChildProcess[] = [];
  #server: Server | undefined;
  #socket: Socket | undefined;
  #on_body: ((body: Uint8Array) => void) | undefined;

  async start(): Promise<void> {
    let on_connected: () => void;
    const connected = new Promise<void>((resolve) => {
      on_connected = resolve;
    });
    const { server, port } = await listen((socket) => {
      this.#socket = socket;
      socket.on('error', () => socket.destroy());
      on_connected();
      let read_buffer: Buffer | undefined;
      const frames = new FrameReader((source, start, end) => {
        // What was read must be copied out, because it is overwritten by the next read.
        this.#on_body?.(source === read_buffer ? Buffer.from(source.subarray(start, end)) : source);
      });
      return (buffer, length) => {
        read_buffer = buffer;
        frames.read(buffer, length);
      };
    });
    this.#server = server;
    this.#children.push(spawn_worker(port, 1, 'frames'));
    await connected;
  }

  echo(body: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#on_body = resolve;
      write_frame(this.#socket!, body);
    });
  }

  async stop(): Promise<void> {
    this.#server?.close();
    await end_all(this.#children);
    this.#socket?.destroy();
  }
}
