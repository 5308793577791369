/**
 * SEP history files and Madagascar's RSF: a head of text, and elements behind it or in a file of their own.
 *
 *     n1=1000 d1=0.004 o1=0 label1="Time (s)"
 *     n2=60  esize=4  data_format="xdr_float"
 *     in="/scratch/bob/shots.H@"      or in="stdin", and then FF FF EOT and the elements follow here
 *
 * Each program adds to the text what it changed, so the last assignment of a key holds. We do the same: the text of
 * the source stays, a line that says where the file comes from is added, and what differs behind it.
 */
import { assignments } from '../pars.js';
import type { Axis, CubeFormat, CubeHead, Element, NumberKind } from './format.js';

const MARK = Buffer.from('\f\f\x04', 'latin1');
/** Text of more than this is no head; it is noise, or somebody's elements. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024;
/** As many axes as a file may have. */
const MAX_AXES = 20;

/** Words of data_format behind native_ or xdr_, with the size of an element. */
const TYPES: Readonly<Record<string, { number: NumberKind; bytes: number }>> = {
  float: { number: 'float32', bytes: 4 },
  double: { number: 'float64', bytes: 8 },
  complex: { number: 'float32', bytes: 8 },
  dcomplex: { number: 'float64', bytes: 16 },
  int: { number: 'int32', bytes: 4 },
  short: { number: 'int16', bytes: 2 },
  long: { number: 'int64', bytes: 8 },
  char: { number: 'int8', bytes: 1 },
  uchar: { number: 'uint8', bytes: 1 },
  byte: { number: 'uint8', bytes: 1 },
};

/** SEP's history files and Madagascar's RSF: a text head, and the elements behind it or in a file of their own. */
export const sep: CubeFormat = {
  kind: 'cube',
  name: 'SEP',

  parse(start: Uint8Array, is_whole: boolean): CubeHead | undefined {
    const bytes = Buffer.from(start.buffer, start.byteOffset, start.length);
    const mark = bytes.indexOf(MARK);
    if (mark === -1 && bytes.length > MAX_HEAD_BYTES) {
      throw new Error(`it is no SEP or RSF header: ${bytes.length} bytes without an end`);
    }
    if (mark === -1 && !is_whole) return undefined;
    // one character a byte, so that the text goes out as it came in
    const text = bytes.toString('latin1', 0, mark === -1 ? bytes.length : mark);
    const values = last_values(text);
    const place = values.get('in');
    if (place === undefined) throw new Error('it is no SEP or RSF header: it has no in=');
    const is_here = place === 'stdin' || place === '-1';
    if (is_here && mark === -1) {
      throw new Error(`its header has in="${place}", but no FF FF EOT with the data behind it`);
    }
    return {
      axes: read_axes(values),
      element: read_element(values),
      offset: is_here ? mark + MARK.length : 0,
      data_file: is_here ? undefined : Buffer.from(place, 'latin1').toString('utf8'),
      source: text,
    };
  },

  head(like: CubeHead, axes: readonly Axis[], note: string, length?: number): Uint8Array {
    const old = typeof like.source === 'string' ? like.source : '';
    const values = last_values(old);
    const lines: string[] = [];
    const set = (key: string, value: string | undefined): void => {
      if (value !== undefined && values.get(key) !== value) lines.push(`${key}=${value}`);
    };
    axes.forEach((axis, i) => {
      set(`n${i + 1}`, String(axis.n));
      set(`o${i + 1}`, axis.o === undefined ? undefined : String(axis.o));
      set(`d${i + 1}`, axis.d === undefined ? undefined : String(axis.d));
    });
    // an axis that the source had and this file has not
    for (let i = axes.length + 1; i <= like.axes.length; i++) set(`n${i}`, '1');
    // where the text says nothing, say what it is taken for
    if (!values.has('esize')) set('esize', String(like.element.bytes));
    lines.push('in="stdin"');
    const text = `${old.trimEnd()}\n\n${as_comment(note)}\n${lines.map((line) => `\t${line}\n`).join('')}`;
    const padding = '\n'.repeat(Math.max(0, (length ?? 0) - text.length - MARK.length));
    return Buffer.concat([Buffer.from(text + padding, 'latin1'), MARK]);
  },
};

function last_values(text: string): Map<string, string> {
  // line by line: a quote that is not closed ends with its line, and nothing behind is lost
  const found = text.split('\n').flatMap((line) => assignments(line));
  return new Map(found.map(({ key, items }) => [key, items.join(',')]));
}

function read_axes(values: ReadonlyMap<string, string>): Axis[] {
  const axes: Axis[] = [];
  let last = 0;
  for (let i = 1; i <= MAX_AXES; i++) {
    const text = values.get(`n${i}`);
    const n = text === undefined ? 1 : Number(text);
    if (!Number.isSafeInteger(n) || n < 0 || text === '') {
      throw new Error(`its header has n${i}=${text}, which is no whole number`);
    }
    if (text !== undefined) last = i;
    axes.push({ n, o: read_number(values, `o${i}`), d: read_number(values, `d${i}`) });
  }
  if (last === 0) throw new Error('it is no SEP or RSF header: it has no n1=');
  return axes.slice(0, last);
}

function read_number(values: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = values.get(key);
  const number = text === undefined || text === '' ? NaN : Number(text.replace(/d/i, 'e'));
  return Number.isFinite(number) ? number : undefined;
}

function read_element(values: ReadonlyMap<string, string>): Element {
  const format = values.get('data_format');
  const [, form, word = ''] = /^(native|xdr|ascii)_(\w+)$/.exec(format ?? '') ?? [];
  if (form === 'ascii') {
    throw new Error(`its data_format is ${format}: text cannot be split, convert it to native_${word} first`);
  }
  const type = TYPES[word];
  const size = values.get('esize');
  const bytes = size === undefined ? (type?.bytes ?? 4) : Number(size);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new Error(`its header has esize=${size}; a size in bytes from 1 was expected`);
  }
  // SEP takes a missing data_format for xdr, Madagascar for native: nobody can tell, and for moving it does not matter
  if (type === undefined || type.bytes !== bytes) return { bytes };
  return { bytes, number: type.number, is_big_endian: form === 'xdr' };
}

function as_comment(note: string): string {
  const text = note.replace(/[^\x20-\x7e]+/g, ' ').replaceAll('=', ':');
  return text.startsWith('#') ? text : `# ${text}`;
}
