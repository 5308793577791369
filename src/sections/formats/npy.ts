/**
 * NumPy's .npy files, versions 1 to 3.
 *
 *     93 N U M P Y, major, minor, length of the text (u16 or, from version 2, u32, little-endian)
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }      padded with blanks, a newline at its end
 *
 * The last entry of `shape` is the fastest and hence axis 1, or the first one where fortran_order is True.
 */
import type { Axis, CubeFormat, CubeHead, Element, NumberKind } from './format.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** NumPy aligns the elements to so many bytes. */
const ALIGNMENT = 64;

interface Source {
  version: number;
  descr: string;
  is_fortran: boolean;
}

/** Kinds of descr, with the numbers that can be reckoned with by size. */
const KINDS: Readonly<Record<string, Readonly<Record<number, NumberKind>>>> = {
  f: { 4: 'float32', 8: 'float64' },
  // a complex element is two of them
  c: { 8: 'float32', 16: 'float64' },
  i: { 1: 'int8', 2: 'int16', 4: 'int32', 8: 'int64' },
  u: { 1: 'uint8', 2: 'uint16', 4: 'uint32', 8: 'uint64' },
  b: {},
  S: {},
  a: {},
  U: {},
  V: {},
  m: {},
  M: {},
};

/** NumPy's `.npy`, in C or Fortran order, without Python objects. */
export const npy: CubeFormat = {
  kind: 'cube',
  name: 'NPY',

  parse(start: Uint8Array, is_whole: boolean): CubeHead | undefined {
    const bytes = Buffer.from(start.buffer, start.byteOffset, start.length);
    const beginning = bytes.subarray(0, MAGIC.length);
    if (!MAGIC.subarray(0, beginning.length).equals(beginning)) {
      throw new Error('it is no .npy file: it does not begin with 93 NUMPY');
    }
    const version = bytes[MAGIC.length] ?? 0;
    const text_at = MAGIC.length + 2 + (version === 1 ? 2 : 4);
    const offset =
      bytes.length < text_at
        ? Infinity
        : text_at + (version === 1 ? bytes.readUInt16LE(text_at - 2) : bytes.readUInt32LE(text_at - 4));
    if (offset > bytes.length) {
      if (is_whole) throw new Error(`it ends within its header, after ${bytes.length} bytes`);
      return undefined;
    }
    if (version < 1 || version > 3) {
      throw new Error(`it is a .npy file of version ${version}; 1, 2 and 3 are known`);
    }
    const text = bytes.toString(version === 3 ? 'utf8' : 'latin1', text_at, offset);
    const descr = field(text, 'descr', /['"]([^'"]*)['"]/y);
    const is_fortran = field(text, 'fortran_order', /(True|False)/y) === 'True';
    const shape = field(text, 'shape', /\(([\d\s,L]*)\)/y)
      .split(',')
      .filter((word) => word.trim() !== '')
      .map((word) => Number(word.replace('L', '')));
    const source: Source = { version, descr, is_fortran };
    const axes = (is_fortran ? shape : shape.toReversed()).map((n) => ({ n }));
    return { axes, element: read_element(descr), offset, source };
  },

  head(like: CubeHead, axes: readonly Axis[], _note: string, length?: number): Uint8Array {
    const { version, descr, is_fortran } = like.source as Source;
    const sizes = axes.map(({ n }) => n);
    const shape = is_fortran ? sizes : sizes.toReversed();
    const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
    const order = is_fortran ? 'True' : 'False';
    const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
    const before = MAGIC.length + 2 + (version === 1 ? 2 : 4);
    const least = before + text.length + 1;
    const total = Math.max(length ?? 0, Math.ceil(least / ALIGNMENT) * ALIGNMENT);
    const bytes = Buffer.alloc(total, ' ');
    MAGIC.copy(bytes);
    bytes[MAGIC.length] = version;
    bytes[MAGIC.length + 1] = 0;
    if (version === 1) bytes.writeUInt16LE(total - before, before - 2);
    else bytes.writeUInt32LE(total - before, before - 4);
    bytes.write(text, before, version === 3 ? 'utf8' : 'latin1');
    bytes[total - 1] = 10;
    return bytes;
  },
};

/** What stands behind a key of the dictionary. The dictionary is Python, but NumPy writes it in one way only. */
function field(text: string, key: string, pattern: RegExp): string {
  const at = new RegExp(`['"]${key}['"]\\s*:\\s*`).exec(text);
  if (at === null) throw new Error(`its header has no '${key}': ${text.trim()}`);
  pattern.lastIndex = at.index + at[0].length;
  const found = pattern.exec(text);
  if (found !== null) return found[1] as string;
  const got = text.slice(at.index + at[0].length).trim();
  const why = key === 'descr' ? 'arrays of records with fields are not split' : 'it is not understood';
  throw new Error(`its header has '${key}': ${got}: ${why}`);
}

function read_element(descr: string): Element {
  const [, order = '', kind = '', digits = ''] = /^([<>|=]?)([a-zA-Z])(\d*)/.exec(descr) ?? [];
  const numbers = KINDS[kind];
  if (numbers === undefined) {
    throw new Error(`its elements are '${descr}', which are not split; plain numbers and texts are`);
  }
  // dates have a size too, though it stands before their unit: <M8[ns]
  const size = digits === '' ? 1 : Number(digits);
  const bytes = kind === 'U' ? 4 * size : size;
  if (bytes === 0) throw new Error(`its elements are '${descr}', of no bytes`);
  const number = numbers[bytes];
  return number === undefined ? { bytes } : { bytes, number, is_big_endian: order === '>' };
}
