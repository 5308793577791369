import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { log_tail, says_heap_is_full } from '../../src/launch/log_tail.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parjob-log-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function log(text: string): string {
  const file = join(folder, 'job.slave0');
  writeFileSync(file, text);
  return file;
}

describe('the tail of a log', () => {
  it('is its last twelve lines', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    expect(log_tail(log(`${lines.join('\n')}\n`))).toBe(lines.slice(8).join('\n'));
  });

  it('is the whole of a short one', () => {
    expect(log_tail(log('one\ntwo\n\n'))).toBe('one\ntwo');
  });

  it('is nothing when the log is empty, or not there', () => {
    expect(log_tail(log(''))).toBeUndefined();
    expect(log_tail(log('\n\n'))).toBeUndefined();
    expect(log_tail(join(folder, 'no such file'))).toBeUndefined();
  });

  it('is short, however long a line is', () => {
    const tail = log_tail(log(`${'x'.repeat(1_000_000)}end`));
    expect(tail?.length).toBeLessThan(20_000);
    expect(tail).toMatch(/end$/);
  });
});

describe('a full JavaScript heap', () => {
  it('is seen in what node prints', () => {
    const words = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
    const trace = Array.from({ length: 40 }, (_, i) => ` ${i}: 0xb9c1f0 node::Abort() [node]`);
    expect(says_heap_is_full(log(`${words}\n${trace.join('\n')}\n`))).toBe(true);
  });

  it('is not seen where it is not', () => {
    expect(says_heap_is_full(log('all is well'))).toBe(false);
    expect(says_heap_is_full(join(folder, 'no such file'))).toBe(false);
  });
});
