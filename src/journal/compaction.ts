/**
 * Compaction: a status file is written anew with the fewest lines that say the same.
 *
 *     read ─▶ file.new ─▶ to the disk ─▶ renamed over the file ─▶ files beside that no line names are removed
 *
 * A crash at any step leaves the old file or the new one, each whole.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { header_text } from './header.js';
import type { TaskLine } from './line.js';
import { on_disk } from './on_disk.js';
import type { RecordedTask } from './recorded_task.js';
import { Replay } from './replay.js';
import { sync_folder } from './side_folder.js';

const BLOCK_CHARS = 2 ** 20;

/**
 * Compacts `file`, which no other master may have open, and which nobody writes meanwhile. A line that was cut
 * off at the end is left out.
 * @returns its length now, in bytes
 * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when it cannot be read or written: it is as it was then
 */
export function compact(file: string, on_notice: (text: string) => void = () => {}): number {
  const replay = Replay.read(file, on_notice);
  if (replay === undefined) return 0;
  try {
    const named = new Set<string>();
    const size = write_anew(file, lines_of(replay, named));
    replay.folder.remove_all_but(named);
    return size;
  } finally {
    replay.close();
  }
}

/**
 * Puts a file with `lines` in the place of `file`, or there when there was none, and returns its length.
 * @param sync force it to the disk first
 */
export function write_anew(file: string, lines: Iterable<string>, sync = true): number {
  return on_disk(file, 'unwritable', `${file} could not be written anew`, () => {
    const fresh = `${file}.new`;
    let size: number;
    try {
      size = write_file(fresh, lines, sync);
      renameSync(fresh, file);
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    }
    if (sync) sync_folder(dirname(file));
    return size;
  });
}

/** The lines that say what `replay` says. The files that they name are added to `named`. */
function* lines_of(replay: Replay, named: Set<string>): IterableIterator<string> {
  yield header_text(replay.header);
  for (const [fn, name] of replay.functions.entries()) yield JSON.stringify({ kind: 'function', fn, name });
  if (replay.facts.size > 0)
    yield JSON.stringify({ kind: 'facts', at: 0, facts: Object.fromEntries(replay.facts) });
  for (const [task, fn] of replay.numbered_tasks()) yield* lines_of_task(task, fn, named);
  if (replay.is_finished) yield JSON.stringify({ kind: 'finished', at: 0 });
}

function* lines_of_task(task: RecordedTask, fn: number, named: Set<string>): IterableIterator<string> {
  const { key, index, state } = task;
  const texts = task.line_texts();
  // most tasks have one line, which says all
  const [only = ''] = texts;
  const start = `{"kind":"${state}","index":${index},"key":${JSON.stringify(key)},"fn":${fn},`;
  if (texts.length === 1 && only.startsWith(start) && !only.includes('"file"')) {
    yield only;
    return;
  }
  // a line says which task its index stands for, and those of one task stand together
  let identity: object = { index, key, fn };
  for (const text of texts) {
    const { kind, index: _index, key: _key, fn: _fn, ...rest } = JSON.parse(text) as TaskLine;
    if (rest.stored?.file !== undefined) named.add(rest.stored.file);
    yield JSON.stringify({ kind, ...identity, ...rest });
    identity = { index };
  }
  if (texts.length === 0) yield JSON.stringify({ kind: 'queued', ...identity, at: 0 });
}

/** Writes `lines` to a new file. */
function write_file(path: string, lines: Iterable<string>, sync: boolean): number {
  const fd = openSync(path, 'w');
  try {
    let [text, size] = ['', 0];
    for (const line of lines) {
      text += `${line}\n`;
      if (text.length < BLOCK_CHARS) continue;
      size += write_text(fd, text);
      text = '';
    }
    size += write_text(fd, text);
    if (sync) fsyncSync(fd);
    return size;
  } finally {
    closeSync(fd);
  }
}

function write_text(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; ) start += writeSync(fd, bytes, start);
  return bytes.length;
}
