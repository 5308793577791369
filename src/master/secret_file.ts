/**
 * The file by which the slaves of a batch system get the job's secret: hidden, in the working directory, and for
 * its owner's eyes only. It is there while such slaves may start, and goes with the job.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const files = new Set<string>();
process.on('exit', () => {
  for (const file of files) rmSync(file, { force: true });
});

export class SecretFile {
  readonly #jobname: string;
  readonly #secret: () => string;
  #path: string | undefined;

  constructor(jobname: string, secret: () => string) {
    this.#jobname = jobname;
    this.#secret = secret;
  }

  /** Its path. The file is made when this is first asked for. @throws Error when it cannot be made */
  path(): string {
    if (this.#path !== undefined) return this.#path;
    const path = join(process.cwd(), `.${this.#jobname}.${randomBytes(6).toString('hex')}.secret`);
    // never one that is there: it may be somebody else's
    const fd = openSync(path, 'wx', 0o600);
    try {
      writeSync(fd, `${this.#secret()}\n`);
    } finally {
      closeSync(fd);
    }
    files.add(path);
    this.#path = path;
    return path;
  }

  remove(): void {
    if (this.#path === undefined) return;
    rmSync(this.#path, { force: true });
    files.delete(this.#path);
    this.#path = undefined;
  }
}
