/**
 * The file by which the slaves of a batch system get the job's secret: hidden, in the working directory, and for
 * its owner's eyes only. It is there while such slaves may start, and goes with the job. One that was left by a
 * master which was killed is of no use to anybody, and is removed by the next.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { at_end } from '../base/at_end.js';
import { UsageError } from '../errors.js';

/** Of this machine, before the number of the process. */
const MARK = `.parjob.${hostname()}.`;

export class SecretFile {
  readonly #secret: () => string;
  #path: string | undefined;
  #forget: (() => void) | undefined;

  constructor(secret: () => string) {
    this.#secret = secret;
  }

  /**
   * Its path. The file is made when this is first asked for.
   * @throws UsageError (PARJOB_ERR_USAGE) when it cannot be written
   */
  path(): string {
    if (this.#path !== undefined) return this.#path;
    const folder = process.cwd();
    const path = join(folder, `${MARK}${process.pid}.${randomBytes(6).toString('hex')}.secret`);
    // never one that is there: it may be somebody else's
    try {
      remove_stale(folder);
      const fd = openSync(path, 'wx', 0o600);
      try {
        writeSync(fd, `${this.#secret()}\n`);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      remove_quietly(path);
      throw new UsageError(
        `the file with the secret of the job cannot be written in ${folder}: ${(error as Error).message}; ` +
          'start the program in a folder that can be written and has room: slaves of batch systems read it there',
        { cause: error },
      );
    }
    this.#forget = at_end(() => rmSync(path, { force: true }));
    this.#path = path;
    return path;
  }

  remove(): void {
    if (this.#path === undefined) return;
    this.#forget?.();
    rmSync(this.#path, { force: true });
    this.#path = undefined;
  }
}

/** Removes what masters of this machine that are dead have left in `folder`, with their scripts. */
function remove_stale(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(MARK)) continue;
    const pid = Number(name.slice(MARK.length).split('.')[0]);
    if (Number.isInteger(pid) && !is_alive(pid)) remove_quietly(join(folder, name));
  }
}

/** What another user has left in a folder of many cannot be removed, and harms nobody. */
function remove_quietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // then it stays
  }
}

function is_alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
