/**
 * Lock: keeps a second master from a status file, by a file beside it, `<file>.lock`, that says who holds it.
 *
 * A lock whose holder is gone is stale and may be taken over. Two masters must not both do that, so whoever wants
 * to claims the lock's token first, with a lock of its own named after it:
 *
 *     x.lock (token 1a2b, stale)      x.lock.1a2b (made with link: one wins)      rename over x.lock
 *
 * Only who holds the claim may replace x.lock while it has that token, so between the look that finds the token
 * still there and the rename nobody else can step in. A claim may go stale too; it is taken over in the same way.
 */
import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { at_end } from '../base/at_end.js';
import { StatusFileError } from '../errors.js';
import { on_disk } from './on_disk.js';
import { is_running, new_owner, type Owner, parse_owner } from './owner.js';

/** A holder on another machine is taken for gone when it has not said otherwise for so long, ms. */
export const STALE_AFTER = 60_000;
/** How often a holder says that it lives, ms. */
const REFRESH_INTERVAL = 10_000;
/** A process that could not refresh for so long was held up, and looks whether it still has the lock, ms. */
const CHECK_AFTER = STALE_AFTER / 2;

const MAX_TRIES = 20;
const MAX_CLAIMS = 4;

export class Lock {
  readonly path: string;
  readonly #file: string;
  readonly #owner: Owner;
  readonly #timer: NodeJS.Timeout;
  #refreshed_at = Date.now();
  #is_lost = false;
  #is_released = false;
  /** None is left behind, but by SIGKILL. */
  readonly #forget: () => void;

  /**
   * Locks `file` for this process.
   * @param on_notice is told when a stale lock was taken over
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when another master has it, or no lock can be written
   */
  static acquire(file: string, on_notice: (text: string) => void = () => {}): Lock {
    const path = `${file}.lock`;
    return on_disk(file, 'unwritable', `${file} cannot be locked`, () => {
      const owner = new_owner();
      const before = take(path, owner, 0);
      if (before.is_held) throw locked(file, path, before.owner);
      if (before.owner !== undefined)
        on_notice(`the lock of ${describe(before.owner)} on ${file} was stale and is taken over`);
      return new Lock(file, path, owner);
    });
  }

  private constructor(file: string, path: string, owner: Owner) {
    this.#file = file;
    this.path = path;
    this.#owner = owner;
    this.#timer = setInterval(() => this.#refresh(), REFRESH_INTERVAL).unref();
    this.#forget = at_end(() => this.release());
  }

  /**
   * To be called before a write.
   * @throws StatusFileError (PARJOB_ERR_STATUS_FILE) when another master has taken the lock over, since this
   * process seemed to be gone
   */
  check(): void {
    if (Math.abs(Date.now() - this.#refreshed_at) > CHECK_AFTER) this.#refresh();
    if (!this.#is_lost) return;
    const owner = read_owner(this.path);
    throw new StatusFileError(
      `${this.#file} was taken over by ${describe(owner)}, while this process (${this.#owner.pid}) did not say that it lives: it must not write any more`,
      { file: this.#file, problem: 'lock_lost' },
    );
  }

  /** Gives the lock back. May be called again. */
  release(): void {
    if (this.#is_released) return;
    this.#is_released = true;
    this.#forget();
    clearInterval(this.#timer);
    if (read_owner(this.path)?.token === this.#owner.token) remove(this.path);
  }

  #refresh(): void {
    const now = Date.now();
    try {
      const token = read_owner(this.path)?.token;
      // it may have been removed by hand; then it is ours again if we are first
      this.#is_lost = token !== this.#owner.token && (token !== undefined || !create(this.path, this.#owner));
      if (!this.#is_lost) utimesSync(this.path, now / 1000, now / 1000);
      this.#refreshed_at = now;
    } catch {
      // the file system is away: the next time
    }
  }
}

function locked(file: string, path: string, owner: Owner | undefined): StatusFileError {
  const who =
    owner?.pid === process.pid && is_running(owner) === true
      ? 'another job of this process'
      : describe(owner);
  const since = owner === undefined ? '' : `, since ${owner.since}`;
  return new StatusFileError(
    `${file} is in use by ${who}${since}: wait until it has ended, end it, or use another jobname. ` +
      `If it surely does not run any more, remove ${path}`,
    { file, problem: 'locked' },
  );
}

function describe(owner: Owner | undefined): string {
  return owner === undefined
    ? 'a process that has not written its name'
    : `process ${owner.pid} on ${owner.host}`;
}

/** Makes the lock at `path` that of `owner`, unless someone who lives holds it. `owner` of the result: who held it. */
function take(path: string, owner: Owner, depth: number): { is_held: boolean; owner: Owner | undefined } {
  let found: Found | undefined;
  for (let i = 0; i < MAX_TRIES; i++) {
    if (create(path, owner)) return { is_held: false, owner: undefined };
    found = look(path);
    if (found === undefined) continue;
    if (!found.is_stale || depth === MAX_CLAIMS) return { is_held: true, owner: found.owner };
    const claim = `${path}.${found.token}`;
    const other = take(claim, owner, depth + 1);
    if (other.is_held) return other;
    try {
      if (look(path)?.token === found.token) {
        replace(path, owner);
        return { is_held: false, owner: found.owner };
      }
    } finally {
      remove(claim);
    }
  }
  return { is_held: true, owner: found?.owner };
}

interface Found {
  token: string;
  /** Undefined when the file says nothing that we understand. */
  owner: Owner | undefined;
  is_stale: boolean;
}

/** The lock that is there, if one is. */
function look(path: string): Found | undefined {
  let text: string;
  let modified: number;
  try {
    text = readFileSync(path, 'utf8');
    modified = statSync(path).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const owner = parse_owner(text);
  const token = owner?.token ?? createHash('sha256').update(`${modified} ${text}`).digest('hex').slice(0, 12);
  const lives = owner === undefined ? undefined : is_running(owner);
  return { token, owner, is_stale: lives === undefined ? time_there(path) - modified > STALE_AFTER : !lives };
}

function read_owner(path: string): Owner | undefined {
  try {
    return parse_owner(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The time by the clock of the file system, which may be another machine's. */
function time_there(path: string): number {
  const file = write_beside(path, '');
  try {
    return statSync(file).mtimeMs;
  } finally {
    remove(file);
  }
}

/** Makes the lock if there is none: it appears with all that is in it. */
function create(path: string, owner: Owner): boolean {
  const text = JSON.stringify(owner);
  const whole = write_beside(path, text);
  try {
    linkSync(whole, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // a file system without links
    return create_in_place(path, text);
  } finally {
    remove(whole);
  }
}

function create_in_place(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Puts the lock in the place of the one that is there. */
function replace(path: string, owner: Owner): void {
  renameSync(write_beside(path, JSON.stringify(owner)), path);
}

function write_beside(path: string, text: string): string {
  const name = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(name, text, { flag: 'wx' });
  return name;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone already
  }
}
