/** Bare frames as a contender: messages, and a typed array as if it were a task's. */
import { FrameEcho } from '../limit/frame_echo.js';
import type { Contender } from './contender.js';

export function make(): Contender {
  const echo = new FrameEcho();
  return {
    start: () => echo.start(),
    run: async (kind, arg) => {
      if (kind !== 'echo' || !(arg instanceof Float64Array)) throw new Error('bare frames run no tasks');
      const back = await echo.echo(new Uint8Array(arg.buffer, arg.byteOffset, arg.byteLength));
      return new Float64Array(back.buffer, back.byteOffset, back.byteLength / Float64Array.BYTES_PER_ELEMENT);
    },
    ping: (bytes) => echo.echo(bytes),
    stop: () => echo.stop(),
  };
}
