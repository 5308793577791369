import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FilePool, WriteBehind } from '../../../src/sections/pieces/files.js';
import { temporary_folders } from './kit.js';

const FDS = '/proc/self/fd';
const new_folder = temporary_folders();

/** A file that writes when it is told to, and no more than three bytes at once. */
class SlowFile {
  readonly written: string[] = [];
  readonly #waiting: (() => void)[] = [];

  write(bytes: Uint8Array, from: number, length: number, at: number): Promise<object> {
    const bytes_written = Math.min(3, length);
    return new Promise((resolve) => {
      this.#waiting.push(() => {
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

  it('tells of a failure at the next call', async () => {
    const file = { write: () => Promise.reject(new Error('disk full')) };
    const writer = new WriteBehind(file as unknown as FileHandle);
    await writer.write(Buffer.from('a'), 0);
    await expect(writer.write(Buffer.from('b'), 1)).rejects.toThrow('disk full');
    await expect(writer.flush()).rejects.toThrow('disk full');
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
