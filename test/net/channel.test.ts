import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import { Channel } from '../../src/net/channel.js';
import type { Link } from '../../src/net/link.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import type { OnFrame } from '../../src/wire/frame.js';
import { order, read_orders, type ToSlave } from '../../src/wire/messages.js';
import { encode_value } from '../../src/wire/value.js';
import { tcp_pair } from '../kit/tcp_pair.js';
import { turn, wait_until } from '../kit/wait_until.js';

const NOTHING = Buffer.alloc(0);
const MAX_FRAME_BYTES = 2 ** 24;

let links: Link[] = [];
/** What has arrived: a list of messages for each frame. */
let frames: ToSlave[][] = [];

const on_frame: OnFrame = (...frame) => {
  frames.push(read_orders(...frame));
};

function open(link: Link, rest = NOTHING, take: OnFrame = on_frame): Channel {
  return new Channel(link, { max_frame_bytes: MAX_FRAME_BYTES, on_frame: take, is_resumable: false }, rest);
}

function pair(): [Channel, Channel, MemoryLink, MemoryLink] {
  const [a, b] = MemoryLink.pair();
  links.push(a, b);
  return [open(a), open(b), a, b];
}

function abort_task(channel: Channel, task_id: number): void {
  order.abort_task(channel.writer, task_id);
  channel.posted();
}

function abort(task_id: number): ToSlave {
  return { kind: 'abort_task', task_id };
}

/** The bytes of a frame that a channel would send. */
async function frame_bytes(write: (channel: Channel) => void): Promise<Buffer> {
  const [a, b] = MemoryLink.pair();
  const chunks: Buffer[] = [];
  b.read_with({ push: (bytes, end) => chunks.push(Buffer.from(bytes.subarray(0, end))) });
  const channel = open(a);
  write(channel);
  channel.flush();
  await turn();
  a.destroy();
  return Buffer.concat(chunks);
}

beforeEach(() => {
  links = [];
  frames = [];
});
afterEach(() => {
  for (const link of links) link.destroy();
});

describe('a channel', () => {
  it('sends what is posted in one turn as one frame', async () => {
    const [a] = pair();
    for (let i = 0; i < 5; i++) abort_task(a, i);
    await wait_until(() => frames.length > 0, 'a frame');
    abort_task(a, 5);
    await wait_until(() => frames.length > 1, 'a second frame');
    expect(frames).toEqual([[0, 1, 2, 3, 4].map(abort), [abort(5)]]);
  });

  it('sends now what is flushed, and then nothing at the end of the turn', async () => {
    const [a, , link] = pair();
    abort_task(a, 1);
    a.flush();
    const sent = link.unsent_bytes;
    expect(sent).toBeGreaterThan(0);
    await Promise.resolve();
    expect(link.unsent_bytes).toBe(sent);
    abort_task(a, 2);
    await wait_until(() => frames.length > 1, 'both frames');
    expect(frames).toEqual([[abort(1)], [abort(2)]]);
  });

  it('sends no frame when nothing was posted', () => {
    const [a, , link] = pair();
    a.flush();
    expect(link.unsent_bytes).toBe(0);
  });

  it('does not wait for the end of the turn when there is much', () => {
    const [a, , link] = pair();
    order.data(a.writer, 1, encode_value('x'.repeat(200_000), 'data'));
    a.posted();
    expect(link.unsent_bytes).toBe(0);
    order.data(a.writer, 1, encode_value('x'.repeat(200_000), 'data'));
    a.posted();
    expect(link.unsent_bytes).toBeGreaterThan(400_000);
  });

  it('takes what came with the handshake before what comes after it', async () => {
    const early = await frame_bytes((channel) => {
      order.abort_task(channel.writer, 1);
      channel.flush();
      order.abort_task(channel.writer, 2);
    });
    const late = await frame_bytes((channel) => order.abort_task(channel.writer, 3));
    const [a, b] = MemoryLink.pair();
    links.push(a, b);
    // the rest ends in the middle of a frame, and lies in a buffer that is used again
    const rest = Buffer.from(early.subarray(0, early.length - 3));
    open(b, rest);
    rest.fill(0);
    a.send([early.subarray(early.length - 3), late]);
    expect(frames).toEqual([]);
    await wait_until(() => frames.length === 3, 'three frames');
    expect(frames).toEqual([[abort(1)], [abort(2)], [abort(3)]]);
  });

  it.each(['rest', 'later'])(
    'ends its link with a ProtocolError when the peer sends garbage: %s',
    async (when) => {
      const [a, b] = MemoryLink.pair();
      links.push(a, b);
      const garbage = Buffer.alloc(100, 0xff);
      const ends: (Error | undefined)[] = [];
      open(b, when === 'rest' ? garbage : NOTHING).on_close = (error) => ends.push(error);
      if (when === 'later') a.send([garbage]);
      await wait_until(() => ends.length > 0, 'the end of the link');
      expect(ends[0]).toBeInstanceOf(ProtocolError);
    },
  );

  it('ends its link with the error that the taker of a frame throws', async () => {
    const [a, b] = MemoryLink.pair();
    links.push(a, b);
    const reason = new Error('not now');
    const ends: (Error | undefined)[] = [];
    open(b, NOTHING, () => {
      throw reason;
    }).on_close = (error) => ends.push(error);
    abort_task(open(a), 1);
    await wait_until(() => ends.length > 0, 'the end of the link');
    expect(ends).toEqual([reason]);
  });

  it('takes posts after the end of its link, and loses them', async () => {
    const [a, , link] = pair();
    link.destroy();
    abort_task(a, 1);
    a.flush();
    await turn();
    expect(frames).toEqual([]);
  });

  it('tells of the end of its link, once, when it comes and when it has come', async () => {
    const [a, b] = MemoryLink.pair();
    links.push(a, b);
    const ends: string[] = [];
    const reason = new Error('cut');
    open(a).on_close = (error) => ends.push(`a: ${error?.message}`);
    a.destroy(reason);
    await wait_until(() => ends.length > 0 && b.is_closed, 'the end of both links');
    await turn();
    expect(ends).toEqual(['a: cut']);
    open(b).on_close = (error) => ends.push(`b: ${error?.message}`);
    await wait_until(() => ends.length > 1, 'the end of the other');
    await turn();
    expect(ends).toEqual(['a: cut', 'b: undefined']);
  });

  it('keeps nothing and acknowledges nothing when it is not resumable', async () => {
    const [a, , , far] = pair();
    for (let i = 0; i < 100; i++) {
      abort_task(a, i);
      a.flush();
    }
    expect(a.unacked_bytes).toBe(0);
    await wait_until(() => frames.length === 100, 'all of it');
    expect(far.unsent_bytes).toBe(0);
  });

  it('starts anew on another link when it is not resumable', async () => {
    const [a, b, link] = pair();
    abort_task(a, 1);
    a.flush();
    link.destroy();
    abort_task(a, 2);
    a.flush();
    const [near, far] = MemoryLink.pair();
    links.push(near, far);
    a.resume(near, NOTHING);
    b.resume(far, NOTHING);
    expect([a.is_suspended, near.unsent_bytes, far.unsent_bytes]).toEqual([false, 0, 0]);
    abort_task(a, 3);
    await wait_until(() => frames.length > 0, 'a frame');
    expect(frames).toEqual([[abort(3)]]);
  });

  it('takes nothing more from a link that it let go of', async () => {
    const early = await frame_bytes((channel) => {
      for (let i = 0; i < 3; i++) {
        order.abort_task(channel.writer, i);
        channel.flush();
      }
    });
    const [a, b] = MemoryLink.pair();
    links.push(a, b);
    const channel = open(b, NOTHING, (...frame) => {
      on_frame(...frame);
      channel.suspend();
    });
    a.send([early]);
    await wait_until(() => frames.length > 0, 'a frame');
    await turn();
    expect(frames).toEqual([[abort(0)]]);
  });

  it('ends its link when an acknowledgement comes and it is not resumable', async () => {
    const [a, b] = MemoryLink.pair();
    links.push(a, b);
    const ends: (Error | undefined)[] = [];
    open(b).on_close = (error) => ends.push(error);
    a.send([Buffer.alloc(8)]);
    await wait_until(() => ends.length > 0, 'the end of the link');
    expect(ends[0]).toBeInstanceOf(ProtocolError);
  });

  it('mixes nothing up when it sends faster than TCP takes it', async () => {
    const [near, far] = await tcp_pair();
    links.push(near, far);
    const values: unknown[] = [];
    const [sender] = [
      open(near),
      open(far, NOTHING, (...frame) => {
        for (const message of read_orders(...frame)) if (message.kind === 'data') values.push(message.value);
      }),
    ];
    const sent: unknown[] = [];
    for (let i = 0; i < 120; i++) {
      const value = i % 3 === 0 ? Buffer.alloc(400_000, i) : i % 3 === 1 ? `${i} `.repeat(5000) : { i };
      sent.push(value);
      order.data(sender.writer, 1, encode_value(value, 'data'));
      sender.posted();
      if (i % 7 === 0) sender.flush();
      if (i % 40 === 0) await turn();
    }
    await wait_until(() => values.length === sent.length, 'all data');
    for (const [i, value] of sent.entries())
      expect(Buffer.isBuffer(value) ? value.equals(values[i] as Buffer) : values[i]).toEqual(
        Buffer.isBuffer(value) ? true : value,
      );
  });
});
