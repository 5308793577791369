/** Commands that a user gives for slaves: code as text, or a function whose text is sent. */
import { Script } from 'node:vm';
import { show } from '../base/options.js';
import { UsageError } from '../errors.js';
import type { Channel } from '../net/channel.js';
import { check_fits_frame } from '../wire/frame.js';
import { order } from '../wire/messages.js';

/** What a function that stands for a command gets: `master`, and the arguments of run_cmd. */
export interface MasterEnd {
  /** Sends a value to the master, which gets it by `slave.get_data()`. */
  send_data(data: unknown): Promise<void>;
  /** The next value that the master sends. */
  get_data<T = unknown>(): Promise<T>;
}

/** Code to be run on a slave. A function is sent as text: it sees nothing of what surrounds it here. */
export type Command<Args extends unknown[] = never[]> =
  | string
  | ((master: MasterEnd, ...args: Args) => unknown);

/** @throws UsageError (PARJOB_ERR_USAGE) when `command` is no command, or `args` cannot be sent, or is too large */
export function post_command(
  channel: Channel,
  cmd_id: number,
  command: Command,
  args: unknown[],
  max_frame_bytes: number,
): void {
  if (typeof command === 'string') {
    post(channel, cmd_id, false, command, args, max_frame_bytes);
    return;
  }
  if (typeof command !== 'function') {
    throw new UsageError(`a command must be code as a string, or a function, got ${show(command)}`);
  }
  const code = Function.prototype.toString.call(command);
  if (/\{\s*\[native code\]\s*\}$/.test(code)) {
    throw new UsageError(
      `the function ${show(command)} cannot be a command: it is native or bound, and has no text to send`,
    );
  }
  check_expression(code);
  post(channel, cmd_id, true, code, args, max_frame_bytes);
}

function post(
  channel: Channel,
  cmd_id: number,
  is_function: boolean,
  code: string,
  args: unknown[],
  max_frame_bytes: number,
): void {
  // in a frame of its own, whose size is then the command's
  channel.flush();
  order.run_cmd(channel.writer, cmd_id, is_function, code, args);
  try {
    check_fits_frame(channel.writer.byte_length, max_frame_bytes, 'the command with its arguments takes');
  } catch (error) {
    channel.writer.drop_message();
    throw error;
  }
  channel.posted();
}

/** A method in its short form, `f(master) {}`, is text of a function that is none by itself. */
function check_expression(code: string): void {
  try {
    new Script(`(${code})`);
  } catch (error) {
    throw new UsageError(
      `this function cannot be a command, its text is none by itself: write it as (master) => {...}, got ${show(code)}`,
      {
        cause: error,
      },
    );
  }
}
