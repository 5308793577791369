import { describe, expect, it } from 'vitest';
import { MemoryLink } from '../../src/net/memory_link.js';
import { link_contract } from '../contract/link.contract.js';
import { turn } from '../kit/wait_until.js';

link_contract('a pair in memory', () => MemoryLink.pair());

let cuts = 0;
link_contract('a pair in memory that cuts what it carries', () =>
  MemoryLink.pair((left) => Math.ceil(left / ((cuts++ % 3) + 1))),
);

describe('a pair in memory', () => {
  it('delivers in pieces as it is told', async () => {
    const [a, b] = MemoryLink.pair(() => 3);
    const pieces: string[] = [];
    b.read_with({ push: (bytes, end) => pieces.push(bytes.toString('latin1', 0, end)) });
    a.send([Buffer.from('abcd'), Buffer.from('efgh')]);
    expect(pieces).toEqual([]);
    await turn();
    expect(pieces).toEqual(['abc', 'def', 'gh']);
  });
});
