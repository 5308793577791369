/**
 * The task: align the pairs of one block. Slaves import this module, so it imports nothing that
 * only the master needs, and does nothing when loaded.
 */
import { align_codes } from './align.js';
import { encode } from './blosum62.js';

/** One figure for each pair of the block, in the order of its pairs. */
export interface BlockResult {
  scores: Float64Array;
  identical: Uint32Array;
  lengths: Uint32Array;
}

/** Aligns sequences[pairs[0]] with sequences[pairs[1]], sequences[pairs[2]] with sequences[pairs[3]], ... */
export function align_block(sequences: string[], pairs: Uint32Array): BlockResult {
  const codes = sequences.map(encode);
  const count = pairs.length / 2;
  const result: BlockResult = {
    scores: new Float64Array(count),
    identical: new Uint32Array(count),
    lengths: new Uint32Array(count),
  };
  for (let k = 0; k < count; k++) {
    const { score, identical, length } = align_codes(codes[pairs[2 * k]!]!, codes[pairs[2 * k + 1]!]!);
    result.scores[k] = score;
    result.identical[k] = identical;
    result.lengths[k] = length;
  }
  return result;
}
