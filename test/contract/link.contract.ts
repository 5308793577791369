/** What every Link promises. Run over each implementation by the test of that implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteReader, Link } from '../../src/net/link.js';
import { turn, wait_until } from '../kit/wait_until.js';

type Pair = readonly [Link, Link];

/** Gathers what comes; `place` bytes at a time are read into a buffer of its own, from the first piece on. */
class Gatherer implements ByteReader {
  readonly chunks: Buffer[] = [];
  readonly fills: number[] = [];
  destination: Uint8Array | undefined;
  place: number | undefined;

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
  get length(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }
  push(bytes: Buffer, end: number): void {
    if (end > bytes.length) throw new RangeError(`${end} bytes in a buffer of ${bytes.length}`);
    this.chunks.push(Buffer.from(bytes.subarray(0, end)));
    if (this.place !== undefined) this.destination = Buffer.alloc(this.place);
  }
  filled(count: number): void {
    this.fills.push(count);
    this.chunks.push(Buffer.from((this.destination as Uint8Array).subarray(0, count)));
  }
}

class Ending {
  readonly reasons: (Error | undefined)[] = [];

  constructor(link: Link) {
    link.on_close = (error) => this.reasons.push(error);
  }
  get has_come(): boolean {
    return this.reasons.length > 0;
  }
}

export function link_contract(name: string, make_pair: () => Pair | Promise<Pair>): void {
  describe(`the contract of a link, kept by ${name}`, () => {
    let a: Link;
    let b: Link;
    let at_a: Gatherer;
    let at_b: Gatherer;
    let ends: [Ending, Ending];

    beforeEach(async () => {
      [a, b] = await make_pair();
      [at_a, at_b] = [new Gatherer(), new Gatherer()];
      a.read_with(at_a);
      b.read_with(at_b);
      ends = [new Ending(a), new Ending(b)];
    });
    afterEach(async () => {
      a.destroy();
      b.destroy();
      await both_ended();
    });

    const both_ended = () => wait_until(() => ends[0].has_come && ends[1].has_come, 'the end of both links');
    const arrived = (reader: Gatherer, length: number) =>
      wait_until(() => reader.length >= length, `${length} bytes (${reader.length} came)`);

    it('delivers what is sent, both ways, in order', async () => {
      for (let i = 0; i < 100; i++) {
        a.send([Buffer.from(`to b ${i}|`)]);
        b.send([Buffer.from(`to a ${i}|`)]);
        if (i % 10 === 0) await turn();
      }
      const numbers = Array.from({ length: 100 }, (_, i) => i);
      const [to_a, to_b] = ['a', 'b'].map((end) => numbers.map((i) => `to ${end} ${i}|`).join('')) as [
        string,
        string,
      ];
      await arrived(at_a, to_a.length);
      await arrived(at_b, to_b.length);
      expect(at_a.text).toBe(to_a);
      expect(at_b.text).toBe(to_b);
    });

    it('delivers the parts of one send in order, empty and large ones too', async () => {
      const parts = [Buffer.from('head'), Buffer.alloc(0), Buffer.alloc(300_000, 'x'), new Uint8Array([33])];
      a.send(parts);
      await arrived(at_b, 300_005);
      expect(at_b.text).toBe(`head${'x'.repeat(300_000)}!`);
    });

    it('never reads more into the destination of the reader than it holds', async () => {
      at_b.place = 1000;
      a.send([Buffer.from('!')]);
      await arrived(at_b, 1);
      const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i));
      a.send([bytes]);
      await arrived(at_b, 1 + bytes.length);
      expect(Buffer.concat(at_b.chunks).subarray(1).equals(bytes)).toBe(true);
      expect(Math.max(0, ...at_b.fills)).toBeLessThanOrEqual(1000);
    });

    it('pushes what comes after the destination is full', async () => {
      at_b.place = 6;
      let left = at_b.place;
      const filled = at_b.filled.bind(at_b);
      at_b.filled = (count) => {
        filled(count);
        left -= count;
        at_b.place = undefined;
        at_b.destination = left > 0 ? Buffer.alloc(left) : undefined;
      };
      a.send([Buffer.from('!')]);
      await arrived(at_b, 1);
      a.send([Buffer.from('inside'), Buffer.from('behind')]);
      await arrived(at_b, 13);
      expect(at_b.text).toBe('!insidebehind');
      expect(at_b.fills.reduce((sum, count) => sum + count)).toBe(6);
    });

    it('has no more need of the buffers when send returned true', async () => {
      let sent = '';
      for (let i = 0; i < 50; i++) {
        const text = `message ${i}|`;
        const [first, second] = [Buffer.from(text), Buffer.from(text)];
        sent += text + text;
        if (a.send([first, second])) {
          first.fill(0);
          second.fill(0);
        }
      }
      await arrived(at_b, sent.length);
      expect(at_b.text).toBe(sent);
    });

    it('hands the bytes to the reader that was set last', async () => {
      a.send([Buffer.from('first')]);
      await arrived(at_b, 5);
      const second = new Gatherer();
      b.read_with(second);
      a.send([Buffer.from('second')]);
      await arrived(second, 6);
      expect([at_b.text, second.text]).toEqual(['first', 'second']);
    });

    it('counts what has not left, until it has', async () => {
      expect(a.unsent_bytes).toBe(0);
      const bytes = Buffer.alloc(30_000_000);
      expect(a.send([bytes])).toBe(false);
      expect(a.unsent_bytes).toBeGreaterThan(0);
      await arrived(at_b, bytes.length);
      await wait_until(() => a.unsent_bytes === 0, 'the last bytes leaving');
    });

    it('closes after what was sent has arrived, at both ends, with no error, once', async () => {
      a.send([Buffer.alloc(1_000_000)]);
      a.close();
      await both_ended();
      expect(at_b.length).toBe(1_000_000);
      a.close();
      b.destroy();
      await turn();
      expect(ends.map((end) => end.reasons)).toEqual([[undefined], [undefined]]);
      expect([a.is_closed, b.is_closed]).toEqual([true, true]);
    });

    it('is destroyed with a reason, once, and the peer is told', async () => {
      const reason = new Error('enough');
      a.destroy(reason);
      expect(a.is_closed).toBe(true);
      a.destroy(new Error('too late'));
      await both_ended();
      await turn();
      expect(ends[0].reasons).toEqual([reason]);
      expect(ends[1].reasons).toHaveLength(1);
      expect(b.is_closed).toBe(true);
    });

    it('ends with the error that its reader throws, and hands it no more bytes', async () => {
      const reason = new Error('cannot read this');
      let pushes = 0;
      b.read_with({
        push: () => {
          pushes++;
          throw reason;
        },
      });
      a.send([Buffer.alloc(100)]);
      a.send([Buffer.alloc(2_000_000)]);
      await both_ended();
      expect(ends[1].reasons).toEqual([reason]);
      expect(pushes).toBe(1);
    });

    it('ends with the error that its reader throws when a destination is filled', async () => {
      const reason = new Error('not so many');
      at_b.place = 10;
      a.send([Buffer.from('!')]);
      await arrived(at_b, 1);
      at_b.push = at_b.filled = () => {
        throw reason;
      };
      a.send([Buffer.alloc(100)]);
      await both_ended();
      expect(ends[1].reasons).toEqual([reason]);
    });

    it('hands on nothing after its reader has destroyed it', async () => {
      let pushes = 0;
      b.read_with({
        push: () => {
          pushes++;
          b.destroy();
        },
      });
      for (let i = 0; i < 5; i++) a.send([Buffer.alloc(500_000)]);
      await both_ended();
      expect(pushes).toBe(1);
    });

    it('takes what is sent after its end for sent', async () => {
      a.destroy();
      expect(a.send([Buffer.from('lost'), Buffer.from('too')])).toBe(true);
      await both_ended();
      expect(a.send([Buffer.from('lost')])).toBe(true);
      expect(b.send([Buffer.from('lost')])).toBe(true);
      expect(a.unsent_bytes).toBe(0);
    });

    it('counts nothing that has not left after its end', async () => {
      a.send([Buffer.alloc(30_000_000)]);
      expect(a.unsent_bytes).toBeGreaterThan(0);
      a.destroy();
      expect(a.unsent_bytes).toBe(0);
      await both_ended();
      await turn();
      expect(a.unsent_bytes).toBe(0);
    });

    it('names its peer', () => {
      expect(a.peer).toMatch(/^\S+:\S+$/);
      expect(b.peer).toMatch(/^\S+:\S+$/);
    });

    it('works on whether or not it keeps the process alive', async () => {
      a.set_ref(false);
      b.set_ref(false);
      a.send([Buffer.from('still there')]);
      await arrived(at_b, 11);
      a.set_ref(true);
      expect(at_b.text).toBe('still there');
    });
  });
}

/** What links over sockets promise: no memory is made for what they read. @param make_pair the accepting end first */
export function same_buffer_contract(name: string, make_pair: () => Promise<Pair>): void {
  describe(`what comes over ${name}`, () => {
    it.each(['accepting', 'dialling'])(
      'is handed over in the same buffer each time at the %s end',
      async (end) => {
        const pair = await make_pair();
        const [here, there] = end === 'accepting' ? pair : [pair[1], pair[0]];
        const buffers = new Set<Buffer>();
        let received = 0;
        here.read_with({
          push: (bytes, count) => {
            buffers.add(bytes);
            received += count;
          },
        });
        for (let i = 1; i <= 5; i++) {
          there.send([Buffer.alloc(1000)]);
          await wait_until(() => received === 1000 * i, 'the bytes');
        }
        for (const link of pair) link.destroy();
        expect(buffers.size).toBe(1);
      },
    );
  });
}
