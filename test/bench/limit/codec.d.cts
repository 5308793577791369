/** Types of codec.cjs, which is plain JavaScript so that the workers of the bare loop need no loader. */

import type { Socket } from 'node:net';

export declare class Codec {
  constructor(slab_bytes: number);
  write(socket: Socket, batch: unknown[]): void;
  read(source: Buffer, start: number, end: number): unknown[];
}
