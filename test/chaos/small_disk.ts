/** SmallDisk: a file system of a few MiB, to be full at times. It needs the right to mount one. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export class SmallDisk {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Mounts one at `folder`, which is made. Where that cannot be done the reason comes instead. */
  static mount(folder: string, mebibytes: number): SmallDisk | string {
    mkdirSync(folder);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      return new SmallDisk(folder);
    } catch (error) {
      const { stderr, message } = error as Error & { stderr?: Buffer };
      return `no small disk can be mounted: ${stderr?.toString().trim() || message}`;
    }
  }

  /** Leaves no byte free. */
  fill(): void {
    const fd = openSync(join(this.folder, 'ballast'), 'a');
    try {
      for (let size = 65536; size >= 1; ) {
        try {
          if (writeSync(fd, Buffer.alloc(size)) < size) size >>= 1;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size >>= 1;
        }
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Room again. */
  clear(): void {
    rmSync(join(this.folder, 'ballast'), { force: true });
  }

  unmount(): void {
    // lazily: a process that is about to end may still have a log open
    execFileSync('umount', ['-l', this.folder]);
  }
}
