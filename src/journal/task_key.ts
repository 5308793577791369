/**
 * Task keys: by what a task of one run is recognised in the next. A key is given by the user, or made here
 * from what the task runs and its arguments; the place in the queue does not matter.
 */
import { createHash, hash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { BigMap } from './big_map.js';

/** Longest key that a status file takes, in UTF-16 units. */
export const MAX_KEY_LENGTH = 512;

/** Longest name of a function. */
export const MAX_NAME_LENGTH = 1024;

/** Characters of a made key: 132 bits of a SHA-256, so that no two tasks of any run have the same by chance. */
const KEY_CHARS = 22;
/** Up to here the parts are joined and hashed in one call, which is faster. */
const SMALL_BYTES = 16 * 1024;
const scratch = Buffer.allocUnsafeSlow(SMALL_BYTES);

/**
 * The key of a task that was given none: a text of 22 characters, `A-Z a-z 0-9 - _`, that depends on
 * `export_name`, on `arg_bytes`, and on `module`, which is taken relative to `folder` when it is a file
 * below it: a project that was moved as a whole keeps its keys.
 *
 * @param arg_bytes the encoded arguments, in pieces whose borders count
 * @param folder file URL of a folder
 * @default folder the working directory
 */
export function task_key(
  module: string,
  export_name: string,
  arg_bytes: readonly Uint8Array[],
  folder: string = working_directory(),
): string {
  const name = function_name(module, export_name, folder);
  let total = 4 + 3 * name.length;
  for (const piece of arg_bytes) total += 8 + piece.byteLength;
  if (total > SMALL_BYTES) return key_of_large(name, arg_bytes);
  // each piece after its length, so that no two lists of pieces give the same bytes
  let end = scratch.write(name, 4);
  scratch.writeUInt32LE(end, 0);
  end += 4;
  for (const piece of arg_bytes) {
    scratch.writeDoubleLE(piece.byteLength, end);
    scratch.set(piece, end + 8);
    end += 8 + piece.byteLength;
  }
  return hash('sha256', scratch.subarray(0, end), 'base64url').slice(0, KEY_CHARS);
}

function key_of_large(name: string, arg_bytes: readonly Uint8Array[]): string {
  const head = Buffer.from(name);
  const length = Buffer.allocUnsafe(8);
  length.writeUInt32LE(head.length);
  const sha256 = createHash('sha256').update(length.subarray(0, 4)).update(head);
  for (const piece of arg_bytes) {
    length.writeDoubleLE(piece.byteLength);
    sha256.update(length).update(piece);
  }
  return sha256.digest('base64url').slice(0, KEY_CHARS);
}

/**
 * What a task runs, for people and for the status file: `src/needle.js#align`, with the module relative to
 * `folder` when it is a file below it, else its whole URL.
 */
export function function_name(
  module: string,
  export_name: string,
  folder: string = working_directory(),
): string {
  const base = folder.endsWith('/') ? folder : `${folder}/`;
  const name = `${module.startsWith(base) ? module.slice(base.length) : module}#${export_name}`;
  if (name.length <= MAX_NAME_LENGTH) return name;
  // a module may be a data: URL, with all of its source in it
  return `${name.slice(0, 100)}…${hash('sha256', name, 'base64url')}#${export_name.slice(0, 100)}`;
}

let last_cwd: string | undefined;
let last_folder = '';

/** The working directory as a file URL. */
function working_directory(): string {
  const cwd = process.cwd();
  if (cwd !== last_cwd) {
    last_folder = pathToFileURL(`${cwd}/`).href;
    last_cwd = cwd;
  }
  return last_folder;
}

/** Tells tasks with the same key apart, by their order: `key`, `key#2`, `key#3`. One counter serves a run. */
export class KeyCounter {
  readonly #counts = new BigMap<number>();

  /** The key under which the next task with `key` is recorded. */
  next(key: string): string {
    let count = this.#counts.get(key) ?? 0;
    let unique: string;
    do {
      count++;
      unique = count === 1 ? key : `${key}#${count}`;
      // the user may have given `a#2` to one task and `a` to two
    } while (count > 1 && this.#counts.get(unique) !== undefined);
    this.#counts.set(key, count);
    if (count > 1) this.#counts.set(unique, 1);
    return unique;
  }
}
