/** Types of frames.cjs, which is plain JavaScript so that the workers of the bare loop need no loader. */

import type { Socket } from 'node:net';

export declare const HEADER_BYTES: number;

export declare function write_frame(socket: Socket, body: Uint8Array): void;

export declare class FrameReader {
  constructor(on_frame: (source: Buffer, start: number, end: number) => void);
  read(chunk: Buffer, length: number): void;
}
