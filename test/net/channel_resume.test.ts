import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import { Channel } from '../../src/net/channel.js';
import type { ByteReader, Link } from '../../src/net/link.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { write_ack } from '../../src/wire/frame.js';
import { unpack } from '../../src/wire/value.js';
import { tcp_pair } from '../kit/tcp_pair.js';
import { turn, wait_until } from '../kit/wait_until.js';

const NOTHING = Buffer.alloc(0);
const MAX_FRAME_BYTES = 2 ** 26;
const ACK_BYTES = 8;

let links: Link[] = [];
beforeEach(() => {
  links = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const link of links) link.destroy();
});

function memory_pair(cut?: (left: number) => number): [MemoryLink, MemoryLink] {
  const pair = MemoryLink.pair(cut);
  links.push(...pair);
  return pair;
}

function ack(received: number): Buffer {
  const bytes = Buffer.alloc(ACK_BYTES);
  write_ack(bytes, 0, received);
  return bytes;
}

/** One end of a channel, with what it posted and what it got, as text. */
class End {
  readonly posted: string[] = [];
  readonly got: string[] = [];
  readonly ends: (Error | undefined)[] = [];
  readonly channel: Channel;
  /** Called with each frame that comes. */
  on_frame: () => void = () => {};

  constructor(link: Link, { is_resuming = false, rest = NOTHING } = {}) {
    const options = {
      max_frame_bytes: MAX_FRAME_BYTES,
      is_resumable: true,
      is_resuming,
      on_frame: (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => {
        this.#take(unpack(bytes, start, end) as Message[], [...attachments]);
        this.on_frame();
      },
    };
    this.channel = new Channel(link, options, rest);
    this.channel.on_close = (error) => this.ends.push(error);
  }

  /** Posts a message with a text of so many characters and attachments of so many bytes. */
  post(text_length = 1, attachments: readonly number[] = []): this {
    const i = this.posted.length;
    const { writer } = this.channel;
    const text = Buffer.alloc(5 + text_length, 0x61 + (i % 26));
    text[0] = 0xdb;
    text.writeUInt32BE(text_length, 1);
    const large = attachments.map((bytes, k) => Buffer.alloc(bytes, i + k));
    writer.message(3, 1);
    writer.raw(text, 0, text.length, large);
    writer.uint(large.length);
    this.posted.push(show(text.toString('latin1', 5), large));
    this.channel.posted();
    return this;
  }

  /** Posts messages of a few bytes, each in a frame of its own. */
  post_frames(count: number): this {
    for (let i = 0; i < count; i++) {
      this.post();
      this.channel.flush();
    }
    return this;
  }

  #take(messages: Message[], attachments: Uint8Array[]): void {
    for (const [, text, count] of messages) this.got.push(show(text, attachments.splice(0, count)));
  }
}

type Message = [kind: number, text: string, attachments: number];

function show(text: string, attachments: readonly Uint8Array[]): string {
  const parts = [Buffer.from(text), ...attachments].map((bytes) => {
    const is_one = Buffer.alloc(bytes.byteLength, bytes[0] ?? 0).equals(bytes);
    return `${bytes.byteLength} of ${is_one ? bytes[0] : 'a mixture'}`;
  });
  return parts.join(', ');
}

function open_pair(): [End, End, MemoryLink, MemoryLink] {
  const [a, b] = memory_pair();
  return [new End(a), new End(b), a, b];
}

async function all_arrived(a: End, b: End): Promise<void> {
  await wait_until(
    () => a.got.length >= b.posted.length && b.got.length >= a.posted.length,
    'all that was posted',
  );
  await turn();
  expect(a.got).toEqual(b.posted);
  expect(b.got).toEqual(a.posted);
}

function resume(a: End, b: End): [MemoryLink, MemoryLink] {
  const pair = memory_pair();
  a.channel.resume(pair[0], NOTHING);
  b.channel.resume(pair[1], NOTHING);
  return pair;
}

/** A link that does what the test does. */
class HandLink implements Link {
  readonly peer = 'hand:0';
  readonly unsent_bytes = 0;
  is_closed = false;
  error: Error | undefined;
  on_close: ((error: Error | undefined) => void) | undefined;
  reader: ByteReader | undefined;
  readonly sends: Buffer[] = [];

  send(parts: readonly Uint8Array[]): boolean {
    this.sends.push(Buffer.concat(parts));
    return true;
  }
  read_with(reader: ByteReader): void {
    this.reader = reader;
  }
  deliver(...parts: Buffer[]): void {
    const bytes = Buffer.concat(parts);
    try {
      this.reader?.push(bytes, bytes.length);
    } catch (error) {
      this.destroy(error as Error);
    }
  }
  stop_reading(): void {
    this.reader = undefined;
  }
  close(): void {
    this.destroy();
  }
  destroy(error?: Error): void {
    if (this.is_closed) return;
    this.is_closed = true;
    this.error = error;
    this.on_close?.(error);
  }
  set_ref(): void {}
}

/** An end on a link that the test plays, and the bytes of the frames that such an end sends. */
function hand(): { end: End; link: HandLink; frames: (count: number) => Buffer[] } {
  const link = new HandLink();
  const frames = (count: number) => {
    const far = new HandLink();
    new End(far).post_frames(count);
    return far.sends;
  };
  return { end: new End(link), link, frames };
}

function sizes(send: { mock: { calls: [readonly Uint8Array[]][] } }): number[] {
  return send.mock.calls.map(([parts]) => parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
}

describe('a channel that is resumed', () => {
  it('sends nothing again when nothing was lost', async () => {
    const [a, b, link] = open_pair();
    a.post_frames(10).post(100, [20_000]);
    b.post_frames(5);
    await all_arrived(a, b);
    link.destroy();
    await wait_until(() => b.ends.length > 0, 'the end of the link');
    const send = vi.spyOn(MemoryLink.prototype, 'send');
    resume(a, b);
    await turn();
    await turn();
    expect(sizes(send)).toEqual([ACK_BYTES, ACK_BYTES]);
    expect([a.channel.unacked_bytes, b.channel.unacked_bytes]).toEqual([0, 0]);
    a.post();
    b.post();
    await all_arrived(a, b);
  });

  it('sends all of it again when all was lost', async () => {
    const [a, b, link] = open_pair();
    a.post_frames(100).post(100_000).post(1, [20_000, 0, 30_000]);
    b.post_frames(3);
    a.channel.flush();
    link.destroy();
    await wait_until(() => a.ends.length > 0 && b.ends.length > 0, 'the end of the link');
    resume(a, b);
    await all_arrived(a, b);
  });

  it('sends again what the peer has not got, and no more', () => {
    const { end, link } = hand();
    end.post_frames(5);
    const next = new HandLink();
    link.destroy();
    end.channel.resume(next, NOTHING);
    expect(next.sends).toEqual([ack(0)]);
    next.deliver(ack(3));
    expect(next.sends.slice(1)).toEqual([Buffer.concat(link.sends.slice(3))]);
  });

  it('drops the part of a frame that came before the cut', () => {
    const { end, link, frames } = hand();
    const [one, two] = frames(2) as [Buffer, Buffer];
    link.deliver(one, two.subarray(0, two.length - 1));
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    next.deliver(ack(0), two);
    expect(end.got).toHaveLength(2);
    expect(next.sends).toEqual([ack(1)]);
  });

  it('drops the part of an attachment that came before the cut', async () => {
    const far = new HandLink();
    const peer = new End(far).post(10, [50_000, 60_000]);
    peer.channel.flush();
    const [bytes = NOTHING] = far.sends;
    const { end, link } = hand();
    link.deliver(bytes.subarray(0, 70_000));
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    next.deliver(ack(0), bytes);
    expect(end.got).toEqual(peer.posted);
  });

  it('takes what came with the handshake, also when it is but a part', async () => {
    const { end, frames } = hand();
    const next = new HandLink();
    const stream = Buffer.concat([ack(0), ...frames(3)]);
    const rest = Buffer.from(stream.subarray(0, stream.length - 4));
    end.channel.resume(next, rest);
    rest.fill(0);
    await turn();
    expect(end.got).toHaveLength(2);
    next.deliver(stream.subarray(stream.length - 4));
    expect(end.got).toHaveLength(3);
  });

  it('keeps what is posted until the peer has said what it has', async () => {
    const { end, link } = hand();
    end.post();
    end.channel.flush();
    link.destroy();
    expect(end.channel.is_suspended).toBe(true);
    end.post_frames(2);
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    end.post_frames(1);
    expect(next.sends).toEqual([ack(0)]);
    expect([link.sends.length, end.channel.is_suspended]).toEqual([1, true]);
    next.deliver(ack(1));
    expect(end.channel.is_suspended).toBe(false);
    end.post_frames(1);
    const far = new End(new HandLink());
    (far.channel.link as HandLink).deliver(...link.sends, ...next.sends.slice(1));
    expect(far.got).toEqual(end.posted);
  });

  it('can be resumed twice in a row, and twice more', async () => {
    const [a, b] = open_pair();
    for (let round = 0; round < 4; round++) {
      a.post_frames(7).post(1, [20_000]);
      b.post_frames(3);
      resume(a, b);
      a.post();
      resume(a, b);
    }
    await all_arrived(a, b);
  });

  it('delivers much that was posted while it was suspended, and then holds nothing', async () => {
    const [a, b] = open_pair();
    a.channel.suspend();
    for (let i = 0; i < 3000; i++) a.post(i % 100).channel.flush();
    for (let i = 0; i < 10; i++) a.post(1_000_000).post(1, [1_000_000]);
    a.channel.flush();
    expect(a.channel.unacked_bytes).toBeGreaterThan(20_000_000);
    resume(a, b);
    await all_arrived(a, b);
    resume(a, b);
    await wait_until(() => !a.channel.is_suspended, 'the resumption');
    expect(a.channel.unacked_bytes).toBe(0);
  });

  it('goes on with a peer that knows nothing of it yet, for its first link broke early', async () => {
    const [near, far] = memory_pair();
    const b = new End(far).post_frames(3);
    near.destroy();
    await wait_until(() => b.ends.length > 0, 'the end of the link');
    const [first, second] = memory_pair();
    b.channel.resume(second, NOTHING);
    const a = new End(first, { is_resuming: true }).post_frames(2);
    await all_arrived(a, b);
  });

  it('is not disturbed by what its former link still brings', () => {
    const { end, link, frames } = hand();
    const [one, two, three] = frames(3) as [Buffer, Buffer, Buffer];
    link.deliver(one);
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    link.deliver(two);
    next.deliver(ack(0));
    link.deliver(two, Buffer.alloc(50, 0xff));
    expect(next.is_closed).toBe(false);
    next.deliver(two, three);
    expect(end.got).toHaveLength(3);
  });

  it('is not disturbed by an acknowledgement that its former link still brings', () => {
    const { end, link } = hand();
    end.post_frames(3);
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    link.deliver(ack(1));
    next.deliver(ack(2));
    expect(next.sends.slice(1)).toEqual(link.sends.slice(2));
  });

  it('may be resumed by the taker of a frame', () => {
    const { end, link, frames } = hand();
    const all = frames(4);
    const next = new HandLink();
    end.on_frame = () => {
      if (end.got.length === 2) end.channel.resume(next, NOTHING);
    };
    link.deliver(...all);
    expect(end.got).toHaveLength(2);
    expect(next.sends).toEqual([ack(2)]);
    next.deliver(ack(0), ...all.slice(2));
    expect(end.got).toHaveLength(4);
  });

  it('tells of the end of each link, but not of one that it let go of', async () => {
    const [a, b, link] = open_pair();
    const reason = new Error('cut');
    link.destroy(reason);
    await wait_until(() => a.ends.length === 1 && b.ends.length === 1, 'the first end');
    expect(a.ends).toEqual([reason]);
    const [again] = resume(a, b);
    expect(a.channel.link).toBe(again);
    again.destroy();
    await wait_until(() => a.ends.length === 2 && b.ends.length === 2, 'the second end');
    const [third] = resume(a, b);
    a.channel.suspend();
    expect(third.is_closed).toBe(true);
    await wait_until(() => b.ends.length === 3, 'the third end');
    await turn();
    expect(a.ends).toHaveLength(2);
  });

  it('tells when the peer goes on too, once for each link, and not when the peer hangs up', () => {
    const { end, link } = hand();
    let resumed = 0;
    end.channel.on_resume = () => {
      expect(end.channel.is_suspended).toBe(false);
      resumed++;
    };
    link.deliver(ack(0));
    const [refused, next] = [new HandLink(), new HandLink()];
    end.channel.resume(refused, NOTHING);
    refused.destroy();
    end.channel.resume(next, NOTHING);
    expect(resumed).toBe(0);
    next.deliver(ack(0), ack(0));
    expect(resumed).toBe(1);
  });

  it('may be resumed over a link that has ended, whether that was told before or comes after', async () => {
    const { end, link } = hand();
    link.destroy();
    const dead = new HandLink();
    dead.destroy();
    end.channel.resume(dead, NOTHING);
    await wait_until(() => end.ends.length === 2, 'the end of the second link');
    const [dying] = memory_pair();
    dying.destroy();
    end.channel.resume(dying, NOTHING);
    await wait_until(() => end.ends.length === 3, 'the end of the third link');
    await turn();
    expect(end.ends).toEqual([undefined, undefined, undefined]);
  });
});

describe('acknowledgements', () => {
  it('empty the memory of the sender: one for 32 frames', async () => {
    const [a, b] = open_pair();
    a.post_frames(31);
    await all_arrived(a, b);
    await turn();
    expect(a.channel.unacked_bytes).toBeGreaterThan(0);
    a.post_frames(1);
    await wait_until(() => a.channel.unacked_bytes === 0, 'the acknowledgement');
    const send = vi.spyOn(MemoryLink.prototype, 'send');
    a.post_frames(320);
    await wait_until(() => a.channel.unacked_bytes === 0, 'the acknowledgements');
    expect(sizes(send).filter((bytes) => bytes === ACK_BYTES).length).toBeLessThanOrEqual(10);
  });

  it.each([
    ['in bodies', (end: End) => end.post(300_000)],
    ['in attachments', (end: End) => end.post(1, [150_000, 150_000])],
  ])('come for a mebibyte too: %s', async (_where, post) => {
    const [a, b] = open_pair();
    for (let i = 0; i < 3; i++) post(a).channel.flush();
    await all_arrived(a, b);
    await turn();
    expect(a.channel.unacked_bytes).toBeGreaterThan(900_000);
    post(a).channel.flush();
    await wait_until(() => a.channel.unacked_bytes === 0, 'the acknowledgement');
    // and then not for each frame
    post(a).channel.flush();
    await all_arrived(a, b);
    await turn();
    expect(a.channel.unacked_bytes).toBeGreaterThan(0);
  });

  it('ride with what is posted in answer to a frame', async () => {
    const [a, b] = open_pair();
    b.on_frame = () => {
      b.post();
    };
    const send = vi.spyOn(MemoryLink.prototype, 'send');
    for (let i = 0; i < 100; i++) {
      a.post();
      await wait_until(() => a.got.length === i + 1, 'the answer');
    }
    // a posts long after b's answer, so its acknowledgements go alone; those of b never do
    const from_b = sizes(send).filter((_, i) => send.mock.contexts[i] === b.channel.link);
    expect(from_b).toHaveLength(100);
    expect(from_b).not.toContain(ACK_BYTES);
    expect(a.channel.unacked_bytes).toBeLessThan(32 * 40);
  });

  it('are not sent on a link that has ended', async () => {
    const { end, link, frames } = hand();
    link.deliver(...frames(31));
    end.on_frame = () => end.channel.suspend();
    link.deliver(...frames(1));
    end.post();
    end.channel.flush();
    await turn();
    expect(link.sends).toEqual([]);
  });
});

describe('a hostile peer', () => {
  it('cannot acknowledge more than was sent', () => {
    const { end, link } = hand();
    end.post_frames(3);
    link.deliver(ack(3));
    expect(end.channel.unacked_bytes).toBe(0);
    link.deliver(ack(4));
    expect(link.error).toBeInstanceOf(ProtocolError);
    expect(link.error?.message).toBe(
      'the peer acknowledged 4 frames, but 3 were sent and it had acknowledged 3 before',
    );
    expect(end.ends).toEqual([link.error]);
  });

  it.each([0, 1, 0xffffffff])('cannot take back what it acknowledged: 2, then %d', (less) => {
    const { end, link } = hand();
    end.post_frames(3);
    link.deliver(ack(2));
    link.deliver(ack(2));
    expect(link.is_closed).toBe(false);
    const held = end.channel.unacked_bytes;
    link.deliver(ack(less));
    expect(link.error).toBeInstanceOf(ProtocolError);
    expect(end.channel.unacked_bytes).toBe(held);
  });

  it.each([0, 1, 4])('cannot resume with a count that cannot be: 2, then %d', (count) => {
    const { end, link } = hand();
    end.post_frames(3);
    link.deliver(ack(2));
    link.destroy();
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    next.deliver(ack(count));
    expect(next.error).toBeInstanceOf(ProtocolError);
    expect(next.sends).toEqual([ack(0)]);
    expect(end.channel.is_suspended).toBe(true);
  });

  it('cannot resume with a frame', () => {
    const { end, link, frames } = hand();
    link.destroy();
    const next = new HandLink();
    end.channel.resume(next, NOTHING);
    next.deliver(...frames(1));
    expect(next.error).toBeInstanceOf(ProtocolError);
    expect(end.got).toEqual([]);
  });
});

describe('however links are cut, each end gets what the other posted, once and in order', () => {
  const any_end = fc.constantFrom(0, 1);
  const any_step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('post' as const),
        end: any_end,
        times: fc.integer({ min: 1, max: 40 }),
        text: fc.oneof({ weight: 5, arbitrary: fc.nat(200) }, fc.constantFrom(5000, 70_000, 300_000)),
        attachments: fc.oneof(
          { weight: 4, arbitrary: fc.constant<number[]>([]) },
          fc.array(fc.nat(3000), { maxLength: 3 }),
        ),
        flushes: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('cut' as const),
        after: fc.oneof(fc.nat(30), fc.nat(3000), fc.nat(300_000)),
        end: any_end,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), end: any_end }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('resume' as const),
        first: any_end,
        // how long the other end takes to hear of the new link, if it ever does
        gap: fc.option(fc.nat(4)),
      }),
    },
  );

  it('in memory, at any byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(any_step, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 8 }),
        async (steps, cuts) => {
          let left_until_cut = Infinity;
          let to_destroy: Link | undefined;
          let piece = 0;
          const cut = (left: number) => {
            if (left_until_cut <= 0) to_destroy?.destroy();
            const size = Math.max(1, Math.min(left, cuts[piece++ % cuts.length] as number, left_until_cut));
            left_until_cut -= size;
            return size;
          };
          const first = memory_pair(cut);
          const ends = [new End(first[0]), new End(first[1])] as const;
          const reconnect = async (order: number, gap: number | null, bytes: (left: number) => number) => {
            [left_until_cut, to_destroy] = [Infinity, undefined];
            const pair = memory_pair(bytes);
            const late = pair[1 - order] as MemoryLink;
            const early: Buffer[] = [];
            late.read_with({
              push: (some, end) => {
                early.push(Buffer.from(some.subarray(0, end)));
              },
            });
            ends[order]?.channel.resume(pair[order] as MemoryLink, NOTHING);
            if (gap === null) return;
            for (let i = 0; i < gap; i++) {
              ends[order]?.post();
              ends[1 - order]?.post();
              await turn();
            }
            ends[1 - order]?.channel.resume(late, Buffer.concat(early));
          };
          for (const step of steps) {
            if (step.do === 'post') {
              for (let i = 0; i < (step.text > 1000 ? 1 : step.times); i++) {
                const { channel } = (ends[step.end] as End).post(step.text, step.attachments);
                if (step.flushes) channel.flush();
              }
            } else if (step.do === 'wait') {
              for (let i = 0; i < step.turns; i++) await turn();
            } else if (step.do === 'cut') {
              left_until_cut = step.after;
              to_destroy = ends[step.end]?.channel.link;
              if (step.after === 0) to_destroy?.destroy();
            } else if (step.do === 'suspend') {
              ends[step.end]?.channel.suspend();
            } else {
              await reconnect(step.first, step.gap, cut);
            }
          }
          const [a, b] = ends;
          await reconnect(0, 0, (left) => left);
          await all_arrived(a, b);
          await reconnect(1, 0, (left) => left);
          await wait_until(() => !a.channel.is_suspended && !b.channel.is_suspended, 'the last resumption');
          expect([a.channel.unacked_bytes, b.channel.unacked_bytes]).toEqual([0, 0]);
          expect([...a.ends, ...b.ends].filter((error) => error !== undefined)).toEqual([]);
          expect([a.got, b.got]).toEqual([b.posted, a.posted]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('over TCP, in the middle of large and small frames', async () => {
    const [near, far] = await tcp_pair();
    links.push(near, far);
    const [a, b] = [new End(near), new End(far)];
    let round = 0;
    let cut_after = 1;
    const post = (end: End) => {
      for (let i = 0; i < 60; i++) end.post(i * 50, i % 15 === 0 ? [300_000, 10] : []).channel.flush();
    };
    const cut = (end: End) => () => {
      if (--cut_after === 0) end.channel.link.destroy();
    };
    [a.on_frame, b.on_frame] = [cut(a), cut(b)];
    for (; round < 12; round++) {
      post(a);
      post(b);
      await wait_until(() => a.channel.is_suspended && b.channel.is_suspended, 'the cut');
      const pair = await tcp_pair();
      links.push(...pair);
      cut_after = round < 11 ? 1 + ((round * 37) % 70) : Infinity;
      a.channel.resume(pair[0], NOTHING);
      b.channel.resume(pair[1], NOTHING);
    }
    await all_arrived(a, b);
    expect(a.posted).toHaveLength(12 * 60);
  });
});
