/** The nodes of a graph, as graph.ts writes and restore.ts reads them: what each tag is for stands in PROTOCOL.md. */

export const OBJECT = 0;
export const ARRAY = 1;
export const SPARSE_ARRAY = 2;
export const MAP = 3;
export const SET = 4;
export const DATE = 5;
export const REG_EXP = 6;
export const BIG_INT = 7;
export const ERROR = 8;
export const BINARY = 9;
export const ATTACHED = 10;
export const BOXED = 11;
export const STRING_16 = 12;
export const NEGATIVE_ZERO = 13;

/** `[tag, ...]` */
export type Node = unknown[];

/** A place in an array, or the number of a node. */
export function is_index(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 - 1;
}

/** Longer integers take more time to read than any sender can mean. */
export const MAX_DIGITS = 1_000_000;
