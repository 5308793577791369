import { describe, expect, it } from 'vitest';
import { type Command, type MasterEnd, post_command } from '../../src/master/command.js';
import { Channel } from '../../src/net/channel.js';
import { MemoryLink } from '../../src/net/memory_link.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/frame.js';
import { read_orders, type ToSlave } from '../../src/wire/messages.js';

const MAX_FRAME_BYTES = 2 ** 20;

function new_channel(): Channel {
  const [link] = MemoryLink.pair();
  const options = { max_frame_bytes: MAX_FRAME_BYTES, on_frame: () => {}, is_resumable: true };
  return new Channel(link, options, Buffer.alloc(0));
}

/** What a slave would read. */
function posted(command: Command, args: unknown[] = []): ToSlave | undefined {
  const channel = new_channel();
  post_command(channel, 3, command, args, MAX_FRAME_BYTES);
  const bytes = Buffer.concat(channel.writer.take());
  return read_orders(bytes, FRAME_HEADER_BYTES, bytes.length, [])[0];
}

describe('a command', () => {
  it('is code, as it was written', () => {
    expect(posted('await master.send_data(1)', [2, 'x'])).toEqual({
      kind: 'run_cmd',
      cmd_id: 3,
      is_function: false,
      code: 'await master.send_data(1)',
      args: [2, 'x'],
    });
  });

  it('is the text of a function', () => {
    const send = async (master: MasterEnd) => {
      await master.send_data(1);
    };
    expect(posted(send)).toMatchObject({ is_function: true, code: send.toString() });
    function named() {}
    expect(posted(named)).toMatchObject({ is_function: true, code: named.toString() });
  });

  it.each([
    [3, '3'],
    [undefined, 'undefined'],
    [{ code: '1' }, "{ code: '1' }"],
  ])('is not %s', (command, shown) => {
    expect(() => posted(command as never)).toThrow(
      `a command must be code as a string, or a function, got ${shown}`,
    );
  });

  it('is not a function without a text of its own', () => {
    const bound = (() => {}).bind(undefined);
    expect(() => posted(bound)).toThrow('it is native or bound, and has no text to send');
    expect(() => posted(Math.max as never)).toThrow('it is native or bound');
  });

  it('is not a method in its short form', () => {
    const methods = {
      send(master: MasterEnd) {
        return master.send_data(1);
      },
    };
    expect(() => posted(methods.send)).toThrow(
      'this function cannot be a command, its text is none by itself',
    );
  });

  it('must have arguments that can be sent, and leaves nothing of one that has not', () => {
    const channel = new_channel();
    const post = () => post_command(channel, 0, 'x', [{ on: () => {} }], MAX_FRAME_BYTES);
    expect(post).toThrow('args[0].on is a function');
    expect(channel.writer.is_empty).toBe(true);
  });

  it('must fit a frame, and leaves nothing of one that does not', () => {
    const channel = new_channel();
    for (const args of [[new Uint8Array(2 ** 20)], ['x'.repeat(2 ** 20)]]) {
      const post = () => post_command(channel, 0, 'x', args, MAX_FRAME_BYTES);
      expect(post).toThrow(/^the command with its arguments .*1048576/);
      expect(channel.writer.is_empty).toBe(true);
      expect(channel.link.unsent_bytes).toBe(0);
    }
    post_command(channel, 1, 'x', [1], MAX_FRAME_BYTES);
    const bytes = Buffer.concat(channel.writer.take());
    expect(read_orders(bytes, FRAME_HEADER_BYTES, bytes.length, [])).toMatchObject([
      { cmd_id: 1, args: [1] },
    ]);
  });
});
