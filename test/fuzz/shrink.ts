/** Shrink: the smallest input found that still fails in the same way. Chunks go, then bytes become zero. */
import { replaced } from './mutator.js';

const TIME_LIMIT = 1500;
const NOTHING = Buffer.alloc(0);

/** @param fails whether an input fails as the first one did */
export function shrink(bytes: Buffer, fails: (bytes: Buffer) => boolean): Buffer {
  const deadline = performance.now() + TIME_LIMIT;
  let best = bytes;
  const keep = (candidate: Buffer): boolean => {
    if (performance.now() > deadline || !fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let size = bytes.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; ) if (!keep(replaced(best, at, at + size, NOTHING))) at += size;
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] !== 0) keep(replaced(best, at, at + 1, ZERO));
  }
  return best;
}

const ZERO = Buffer.alloc(1);
