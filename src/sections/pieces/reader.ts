/**
 * Reader: the bytes of a piece, or of a whole dataset, as a complete file of its format that a program can read. They
 * come as a stream, with bounded memory, and are the same each time, so that a broken transfer can go on.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { CHUNK_BYTES } from '../../base/spare_memory.js';
import { UsageError } from '../../errors.js';
import { read_fully, read_range } from '../formats/file_bytes.js';
import type { Axis, Format } from '../formats/format.js';
import {
  type CubeHeader,
  data_bytes,
  type Header,
  type RecordHeader,
  read_header,
} from '../formats/header.js';
import type { CubePiece, Mark, Piece, RecordPiece } from './plan.js';
import type { Range } from './ranges.js';
import { copy_runs, extent_of, offsets_of, type Runs, runs_bytes, runs_of } from './slab.js';

export interface ReadOptions {
  /** Bytes at the start to leave out, since they are there already. @default 0 */
  from?: number | undefined;
}

type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

/** Runs that are closer are read together with what is between them: that is quicker than to ask for each. */
const CLOSE_BYTES = 256 * 1024;
/** Memory for runs that are read together. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of a piece, as a file of its own.
 * @throws UsageError (PARJOB_ERR_USAGE) when the source has become shorter since its header was read
 */
export async function* read_piece(header: Header, piece: Piece, options: ReadOptions = {}): Chunks {
  if (header.kind === 'cube' && piece.kind === 'cube') {
    yield* read_cube_piece(header, piece, options.from ?? 0);
  } else if (header.kind === 'records' && piece.kind === 'records') {
    yield* read_record_piece(header, piece, options.from ?? 0);
  } else {
    throw new UsageError(
      `a piece of ${piece.kind} cannot be read from ${header.file}, which has ${header.kind}`,
    );
  }
}

/** The bytes of a whole dataset as one file, though it may be in two: a SEP header and its data. */
export async function* read_whole(file: string, format: Format, options: ReadOptions = {}): Chunks {
  const from = options.from ?? 0;
  if (format.kind === 'cube') {
    const header = await read_header(file, format);
    if (header.data_file !== file) {
      yield* read_cube(header, header.axes, note_of(header), whole_slab(header), from);
      return;
    }
  }
  const handle = await open(file, 'r');
  try {
    yield* read_range(handle, from, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

/** Whether piece_bytes is exact; of some records it cannot be said without reading them. */
export function is_exact_size(header: Header, piece: Piece): boolean {
  if (header.kind === 'cube' || piece.kind === 'cube' || header.format.record_bytes !== undefined)
    return true;
  const { records, from, to } = piece;
  return records.step === 1 && from.skip === 0 && to.skip === 0;
}

/** Bytes that read_piece will give; see is_exact_size. Else it is an estimate, as if all records had one size. */
export function piece_bytes(header: Header, piece: Piece): number {
  if (header.kind === 'cube' && piece.kind === 'cube') {
    const axes = axes_of_piece(header, piece.slab);
    return header.format.head(header, axes, note_of(header, piece)).length + data_bytes({ ...header, axes });
  }
  const { records, from, to } = piece as RecordPiece;
  const { head_bytes, size, axes, format } = header as RecordHeader;
  if (records.step === 1 && is_exact_size(header, piece)) return head_bytes + to.offset - from.offset;
  const mean = format.record_bytes ?? (size - head_bytes) / axes[0].n;
  return head_bytes + Math.ceil(mean * records.count);
}

function whole_slab({ axes }: CubeHeader): Range[] {
  return axes.map(({ n }) => ({ start: 0, step: 1, count: n }));
}

function axes_of_piece(header: CubeHeader, slab: readonly Range[]): Axis[] {
  return header.axes.map((axis, k) => {
    const { start, step, count } = slab[k] as Range;
    const { o, d } = axis;
    return {
      n: count,
      o: start === 0 || o === undefined || d === undefined ? o : tidy(o + start * d),
      d: step === 1 || d === undefined ? d : tidy(d * step),
    };
  });
}

/** 0.30000000000000004 is nobody's sampling. */
export function tidy(value: number): number {
  return Number(value.toPrecision(14));
}

function note_of({ file }: CubeHeader, piece?: CubePiece): string {
  const parts = piece?.slab.map(
    ({ start, step, count }, k) => `axis ${k + 1} from ${start} by ${step}, ${count}`,
  );
  return parts === undefined
    ? `parjob: all of ${basename(file)}`
    : `parjob: section ${piece?.index} of ${basename(file)}: ${parts.join('; ')}`;
}

function read_cube_piece(header: CubeHeader, piece: CubePiece, from: number): Chunks {
  const axes = axes_of_piece(header, piece.slab);
  return read_cube(header, axes, note_of(header, piece), piece.slab, from);
}

async function* read_cube(
  header: CubeHeader,
  axes: readonly Axis[],
  note: string,
  slab: readonly Range[],
  from: number,
): Chunks {
  const head = header.format.head(header, axes, note);
  if (from < head.length) yield head.subarray(from);
  const shape = header.axes.map(({ n }) => n);
  const runs = runs_of(shape, slab, header.element.bytes);
  yield* read_runs(header.data_file, header.offset, runs, Math.max(0, from - head.length));
}

/** The runs of an array that begins at `base` of a file, but for the first `from` bytes of them. */
async function* read_runs(file: string, base: number, runs: Runs, from: number): Chunks {
  const handle = await open(file, 'r');
  try {
    const wanted = runs_bytes(runs) - from;
    if (wanted <= 0) return;
    // a single run can be entered anywhere
    const is_single = runs.levels.length === 0;
    const start = base + runs.first;
    const chunks = is_single
      ? read_range(handle, start + from, start + runs.run)
      : without_first(read_levels(handle, start, runs), from);
    let got = 0;
    for await (const bytes of chunks) {
      got += bytes.length;
      yield bytes;
    }
    if (got !== wanted) throw cut_off(file);
  } finally {
    await handle.close();
  }
}

async function* read_levels(handle: FileHandle, first: number, { run, levels }: Runs): Chunks {
  if (run >= CLOSE_BYTES) {
    for (const offset of offsets_of(levels)) {
      yield* read_range(handle, first + offset, first + offset + run);
    }
    return;
  }
  // the inner levels whose runs are close to each other are read through a window
  let inner = 0;
  while (inner < levels.length) {
    const { stride } = levels[inner] as (typeof levels)[number];
    if (stride - extent_of(run, levels.slice(0, inner)) > CLOSE_BYTES) break;
    inner++;
  }
  const close = levels.slice(0, inner);
  const extent = extent_of(run, close);
  const { stride = run, count = 1 } = close[0] ?? {};
  const rows = close.slice(1);
  const window = Buffer.allocUnsafeSlow(Math.min(WINDOW_BYTES, extent));
  let out = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  for (const outer of offsets_of(levels.slice(inner))) {
    const from = first + outer;
    let window_at = from;
    let window_end = from;
    for (const row of offsets_of(rows)) {
      let at = from + row;
      let left = count;
      while (left > 0) {
        if (filled + run > out.length) {
          yield out.subarray(0, filled);
          out = Buffer.allocUnsafeSlow(CHUNK_BYTES);
          filled = 0;
        }
        if (at + run > window_end) {
          const room = window.subarray(0, Math.min(window.length, from + extent - at));
          window_at = at;
          window_end = at + (await read_fully(handle, room, at));
          // the file has become shorter: whoever counts the bytes will say so
          if (at + run > window_end) return;
        }
        const in_window = Math.floor((window_end - at - run) / stride) + 1;
        const in_out = Math.floor((out.length - filled) / run);
        const some = Math.min(left, in_window, in_out);
        copy_runs(window, at - window_at, stride, out, filled, run, run, some);
        at += some * stride;
        filled += some * run;
        left -= some;
      }
    }
  }
  if (filled > 0) yield out.subarray(0, filled);
}

async function* read_record_piece(header: RecordHeader, piece: RecordPiece, from: number): Chunks {
  const { file, format, head_bytes } = header;
  const { step, count, start } = piece.records;
  if (step > 1 && format.record_bytes !== undefined && header.offsets.length === 0) {
    const { record_bytes } = format;
    const runs = runs_of([header.axes[0].n], [piece.records], record_bytes);
    if (from < head_bytes) yield* read_part(file, from, head_bytes);
    yield* read_runs(file, head_bytes, runs, Math.max(0, from - head_bytes));
    return;
  }
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size < header.size) throw cut_off(file);
    if (from < head_bytes) yield* read_range(handle, from, head_bytes);
    const skip = Math.max(0, from - head_bytes);
    if (step === 1) {
      const [begin, end] = [await find(handle, header, piece.from), await find(handle, header, piece.to)];
      yield* read_range(handle, begin + skip, end);
    } else {
      yield* without_first(deal_out(handle, header, start, step, count), skip);
    }
  } finally {
    await handle.close();
  }
}

async function* read_part(file: string, from: number, to: number): Chunks {
  const handle = await open(file, 'r');
  try {
    yield* read_range(handle, from, to);
  } finally {
    await handle.close();
  }
}

/** Where the record of a mark begins. */
async function find(handle: FileHandle, { file, format, size }: RecordHeader, mark: Mark): Promise<number> {
  if (mark.skip === 0) return mark.offset;
  const scanner = format.scanner();
  const starts: number[] = [];
  let base = mark.offset;
  for await (const bytes of read_range(handle, base, size, Buffer.allocUnsafeSlow(CHUNK_BYTES))) {
    scanner.scan(bytes, base, starts);
    const found = starts[mark.skip - 1];
    if (found !== undefined) return found;
    base += bytes.length;
  }
  throw cut_off(file);
}

/** Records `start`, `start + step`, ..., `count` of them. All are gone through to find these. */
async function* deal_out(
  handle: FileHandle,
  { format, head_bytes, size }: RecordHeader,
  start: number,
  step: number,
  count: number,
): Chunks {
  const scanner = format.scanner();
  const starts: number[] = [];
  let out = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  let base = head_bytes;
  // records that have ended
  let passed = 0;
  const last = start + (count - 1) * step;
  for await (const bytes of read_range(handle, base, size, Buffer.allocUnsafeSlow(CHUNK_BYTES))) {
    starts.length = 0;
    scanner.scan(bytes, base, starts);
    // of the records that end here, or have begun here, only the wanted ones are looked at
    const skip = (((start - passed) % step) + step) % step;
    for (let i = skip; i <= starts.length && passed + i <= last; i += step) {
      const from = i === 0 ? 0 : (starts[i - 1] as number) - base;
      const end = i < starts.length ? (starts[i] as number) - base : bytes.length;
      if (filled + end - from > out.length) {
        yield out.subarray(0, filled);
        out = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        filled = 0;
      }
      out.set(bytes.subarray(from, end), filled);
      filled += end - from;
    }
    passed += starts.length;
    if (passed > last) break;
    base += bytes.length;
  }
  if (filled > 0) yield out.subarray(0, filled);
}

async function* without_first(chunks: Chunks, bytes: number): Chunks {
  let left = bytes;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function cut_off(file: string): UsageError {
  return new UsageError(`${file} has become shorter since its header was read: split it again`);
}
