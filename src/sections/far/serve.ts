/**
 * The far end of a ParJob, on a slave: answers calls until the master says goodbye. It is imported by a command
 * that the master runs there, and never sent as source.
 */
import { FarCall } from './call.js';
import {
  free_bytes,
  make_folder,
  part_bytes,
  receive,
  remove_paths,
  send_file,
  stat_files,
} from './files.js';
import { sweep } from './leftovers.js';
import type { ToFar, ToNear } from './messages.js';
import { probe } from './probe.js';
import { run_program } from './program.js';
import { add_to_sum } from './sums.js';

/** What a command on a slave knows as `master`. */
interface Master {
  send_data(data: unknown): Promise<void>;
  get_data(): Promise<unknown>;
}

/** What the master may ask for. Arguments are plain values; bytes go by the call. */
export const HANDLERS = {
  probe,
  sweep,
  run_program,
  add_to_sum,
  receive,
  send_file,
  part_bytes,
  stat_files,
  remove_paths,
  make_folder,
  free_bytes,
} as const;

export type Handlers = typeof HANDLERS;
type Handler = (call: FarCall, ...args: never[]) => Promise<unknown>;

export async function serve(master: Master): Promise<void> {
  const calls = new Map<number, FarCall>();
  // one after another, in order; a master that is gone needs no answer
  let sending: Promise<void> = Promise.resolve();
  const post = (message: ToNear) => {
    sending = sending.then(() => master.send_data(message)).catch(() => {});
  };
  try {
    for (;;) {
      const message = (await master.get_data()) as ToFar;
      if (message.kind === 'bye') return;
      if (message.kind === 'call') {
        const call = new FarCall(message.id, post);
        calls.set(message.id, call);
        void answer(call, message.name, message.args, post).finally(() => calls.delete(message.id));
        continue;
      }
      const call = calls.get(message.id);
      if (call === undefined) continue;
      if (message.kind === 'chunk') call.on_chunk(message.bytes);
      else if (message.kind === 'end') call.on_end(message.error);
      else if (message.kind === 'taken') call.on_taken(message.bytes);
      else call.on_abort(message.reason);
    }
  } finally {
    for (const call of calls.values()) call.on_abort('the master is gone');
    await sending;
  }
}

async function answer(
  call: FarCall,
  name: string,
  args: readonly unknown[],
  post: (message: ToNear) => void,
): Promise<void> {
  const { id } = call;
  try {
    const handler = (HANDLERS as Record<string, Handler>)[name];
    if (handler === undefined)
      throw new Error(`this slave has no handler ${name}: other versions of parjob?`);
    post({ kind: 'result', id, value: await handler(call, ...(args as never[])) });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    post({ kind: 'failed', id, message: String(message), code });
  }
}
