/**
 * Numbers: elements of a cube as numbers to reckon with, and back. All but 64-bit integers fit in a double, so that
 * sums are made in doubles and rounded once; 64-bit integers are added as bigint.
 */
import { UsageError } from '../../errors.js';
import type { Element, NumberKind } from './format.js';

const ARRAYS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

type NumberArray = InstanceType<(typeof ARRAYS)[NumberKind]>;

const IS_BIG_ENDIAN_HERE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/** @throws UsageError (PARJOB_ERR_USAGE) when it is not known what numbers the elements are */
export function check_numbers(element: Element, file: string): asserts element is NumericElement {
  if (element.number !== undefined) return;
  throw new UsageError(
    `${file}: its elements of ${element.bytes} bytes cannot be added or blended, as its header does not say that they are numbers we know ` +
      '(integers of 1 to 8 bytes, floats of 4 or 8, complex ones of 8 or 16)',
  );
}

export type NumericElement = Element & { number: NumberKind };

/** Numbers in an element: 2 of a complex one. */
export function parts_of(element: NumericElement): number {
  return element.bytes / ARRAYS[element.number].BYTES_PER_ELEMENT;
}

/** `bytes` as numbers in the order of this machine. The bytes may be turned round in place: they are not to be used again. */
export function numbers_in(bytes: Uint8Array, element: NumericElement): NumberArray {
  swap_if_needed(bytes, element);
  return view_of(bytes, element);
}

/** An element like it in which sums of many are kept without rounding each: doubles, or 64-bit integers. In the order of this machine. */
export function wide_of(element: NumericElement): NumericElement {
  const number = element.number === 'int64' || element.number === 'uint64' ? element.number : 'float64';
  return { bytes: 8 * parts_of(element), number, is_big_endian: IS_BIG_ENDIAN_HERE };
}

/** Zeros to add numbers of `element` to: doubles, or bigints if a double is too small. */
export function new_sums(count: number, element: NumericElement): Sums {
  if (element.number === 'int64') return new BigInt64Array(count);
  return element.number === 'uint64' ? new BigUint64Array(count) : new Float64Array(count);
}

export type Sums = Float64Array | BigInt64Array | BigUint64Array;

/** Adds `terms` to `sums`. @throws UsageError (PARJOB_ERR_USAGE) when a sum of 64-bit integers does not fit */
export function add_to(sums: Sums, terms: NumberArray, file: string): void {
  if (sums instanceof Float64Array) {
    const plain = terms as Float64Array;
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (plain[i] as number);
    return;
  }
  const bigs = terms as BigInt64Array;
  for (let i = 0; i < sums.length; i++) {
    const sum = (sums[i] as bigint) + (bigs[i] as bigint);
    sums[i] = sum;
    if (sums[i] !== sum) throw too_large(sum, sums instanceof BigInt64Array ? 'int64' : 'uint64', file);
  }
}

/**
 * Writes `values` as elements to `target`; what goes to an integer type is rounded.
 * @throws UsageError (PARJOB_ERR_USAGE) when a value does not fit in an integer type
 */
export function write_numbers(values: Sums, target: Uint8Array, element: NumericElement, file: string): void {
  const array = view_of(target, element);
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) {
    if (!(values instanceof Float64Array)) array.set(values);
    else for (let i = 0; i < values.length; i++) array[i] = BigInt(Math.round(values[i] as number));
  } else if (array instanceof Float32Array || array instanceof Float64Array) {
    array.set(values as Float64Array);
  } else {
    for (let i = 0; i < values.length; i++) {
      const value = Math.round(values[i] as number);
      array[i] = value;
      if (array[i] !== value) throw too_large(value, element.number, file);
    }
  }
  swap_if_needed(target, element);
}

function view_of(bytes: Uint8Array, element: NumericElement): NumberArray {
  const array = ARRAYS[element.number];
  return new array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / array.BYTES_PER_ELEMENT);
}

function too_large(value: number | bigint, type: NumberKind, file: string): UsageError {
  return new UsageError(
    `${file}: a sum of ${value} does not fit in its elements of type ${type}: let the program write a larger type`,
  );
}

function swap_if_needed(bytes: Uint8Array, element: NumericElement): void {
  const size = ARRAYS[element.number].BYTES_PER_ELEMENT;
  if (size === 1 || (element.is_big_endian === true) === IS_BIG_ENDIAN_HERE) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}
