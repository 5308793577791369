import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/base/deferred.js';
import { CHUNK_BYTES, take_memory } from '../../../src/base/spare_memory.js';
import { FilePool, SteadySync, WriteBehind } from '../../../src/sections/pieces/files.js';
import { temporary_folders } from './kit.js';

const FDS = '/proc/self/fd';
const new_folder = temporary_folders();

/** A file that writes when it is told to, and no more than three bytes at once. */
class SlowFile {
  most = 3;
  readonly written: string[] = [];
  readonly #waiting: (() => void)[] = [];

  write(bytes: Uint8Array, from: number, length: number, at: number): Promise<object> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        const bytes_written = Math.min(this.most, length);
        this.written.push(`${at}:${Buffer.from(bytes).toString('latin1', from, from + bytes_written)}`);
        resolve({ bytesWritten: bytes_written });
      });
    });
  }

  /** Carries out what is asked for, and lets everybody go on. */
  async step(): Promise<number> {
    const waiting = this.#waiting.splice(0);
    for (const go of waiting) go();
    await new Promise((resolve) => setImmediate(resolve));
    return waiting.length;
  }
}

describe('writing behind', () => {
  it('has one write under way, and begins the next when it is done', async () => {
    const file = new SlowFile();
    const writer = new WriteBehind(file as unknown as FileHandle);
    await writer.write(Buffer.from('abcde'), 10);
    const second = writer.write(Buffer.from('fg'), 15);
    expect(await file.step()).toBe(1);
    expect(file.written).toEqual(['10:abc']);
    expect(await file.step()).toBe(1);
    expect(file.written).toEqual(['10:abc', '13:de']);
    await second;
    const flushed = writer.flush();
    expect(await file.step()).toBe(1);
    await flushed;
    expect(file.written).toEqual(['10:abc', '13:de', '15:fg']);
  });

  it('has two under way where it may, and waits for both at the end', async () => {
    const file = new SlowFile();
    const writer = new WriteBehind(file as unknown as FileHandle, { at_once: 2 });
    await writer.write(Buffer.from('ab'), 0);
    await writer.write(Buffer.from('cd'), 2);
    const third = writer.write(Buffer.from('ef'), 4);
    expect(await file.step()).toBe(2);
    await third;
    const flushed = writer.flush();
    expect(await file.step()).toBe(1);
    await flushed;
    expect(file.written).toEqual(['0:ab', '2:cd', '4:ef']);
  });

  it('gives back memory that was lent when it is written, and not before', async () => {
    const file = new SlowFile();
    const writer = new WriteBehind(file as unknown as FileHandle);
    const lent = take_memory(CHUNK_BYTES);
    const is_lent_again = (): boolean =>
      Array.from({ length: 40 }, () => take_memory(CHUNK_BYTES)).some(({ buffer }) => buffer === lent.buffer);
    await writer.write(lent, 0);
    expect(is_lent_again()).toBe(false);
    file.most = CHUNK_BYTES;
    const flushed = writer.flush();
    await file.step();
    await flushed;
    expect(is_lent_again()).toBe(true);
  });

  it('tells of a failure at the next call', async () => {
    const file = { write: () => Promise.reject(new Error('disk full')) };
    const writer = new WriteBehind(file as unknown as FileHandle);
    await writer.write(Buffer.from('a'), 0);
    await expect(writer.write(Buffer.from('b'), 1)).rejects.toThrow('disk full');
    await expect(writer.flush()).rejects.toThrow('disk full');
  });
});

describe('steady syncing', () => {
  const STEP = 64 * 1024 * 1024;

  /** A file whose syncs end as they are told to. */
  class Disk {
    readonly syncs: Deferred<void>[] = [];

    datasync(): Promise<void> {
      const sync = new Deferred<void>();
      this.syncs.push(sync);
      return sync.promise;
    }
  }

  it('brings to the disk what was written, one sync at a time', async () => {
    const disk = new Disk();
    const sync = new SteadySync(disk as unknown as FileHandle);
    sync.wrote(STEP - 1);
    expect(disk.syncs).toHaveLength(0);
    sync.wrote(1);
    sync.wrote(5 * STEP);
    expect(disk.syncs).toHaveLength(1);
    disk.syncs[0]?.resolve();
    await sync.settle();
    sync.wrote(1);
    expect(disk.syncs).toHaveLength(2);
    disk.syncs[1]?.resolve();
    await sync.settle();
  });

  it('does not forget that it failed: the system tells it once', async () => {
    const disk = new Disk();
    const sync = new SteadySync(disk as unknown as FileHandle);
    sync.wrote(STEP);
    disk.syncs[0]?.reject(new Error('disk broken'));
    await expect(sync.settle()).rejects.toThrow('disk broken');
    await expect(sync.settle()).rejects.toThrow('disk broken');
    expect(() => sync.wrote(1)).toThrow('disk broken');
  });
});

describe('a pool of files', () => {
  it('reads from more files than it has open', async () => {
    const folder = new_folder();
    const open_now = (): number => (existsSync(FDS) ? readdirSync(FDS).length : 0);
    const before = open_now();
    const pool = new FilePool();
    const files = Array.from({ length: 300 }, (_, i) => join(folder, String(i)));
    for (const [i, file] of files.entries()) writeFileSync(file, String(i));
    for (const round of [1, 2]) {
      for (const [i, file] of files.entries()) {
        const handle = await pool.get(file);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
        expect(`${round} ${buffer.toString('latin1', 0, bytesRead)}`).toBe(`${round} ${i}`);
      }
    }
    // others may open files in this process meanwhile, but not a hundred
    expect(open_now() - before).toBeLessThan(230);
    await pool.close();
    expect(open_now() - before).toBeLessThan(100);
  });
});
