/**
 * The process that holds simulated slaves: for each LaunchOrder that comes by IPC it dials the Job, and then answers
 * every task `noop` at once and says now and then that it lives. See sim_slaves.ts.
 *
 * It speaks parjob's protocol by parjob's own src/wire and src/net, which are no part of the package's front door.
 */
import type * as ChannelModule from '../../dist/net/channel.js';
import type * as DialModule from '../../dist/net/dial.js';
import type * as MessagesModule from '../../dist/wire/messages.js';
import type * as PulseModule from '../../dist/wire/pulse_messages.js';
import type * as ValueModule from '../../dist/wire/value.js';
import type { NoopArgument } from './tasks.js';

/** What a holder must know of a LaunchOrder. */
interface Order {
  slave_id: number;
  launch: number;
  addresses: string[];
  secret: string;
}

const MAX_FRAME_BYTES = 2 ** 30;
const RUN_US = 1;

const { Channel } = (await internal('net/channel.js')) as typeof ChannelModule;
const { dial } = (await internal('net/dial.js')) as typeof DialModule;
const { read_orders, report } = (await internal('wire/messages.js')) as typeof MessagesModule;
const pulse_messages = (await internal('wire/pulse_messages.js')) as typeof PulseModule;
const { encode_value } = (await internal('wire/value.js')) as typeof ValueModule;

process.on('message', (order: Order) => {
  be_slave(order).catch((error: Error) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit());

/** A file of parjob's that is not exported, beside those that are. */
function internal(file: string): Promise<unknown> {
  return import(new URL(file, import.meta.resolve('parjob')).href);
}

async function be_slave(order: Order): Promise<void> {
  const { link, rest } = await connect(order, 'main');
  const on_frame: ChannelModule.ChannelOptions['on_frame'] = (bytes, start, end, attachments) => {
    for (const message of read_orders(bytes, start, end, attachments)) {
      if (message.kind === 'run_task') {
        const { i } = message.args[0] as NoopArgument;
        const { task_id, attempt } = message;
        report.task(channel.writer, true, task_id, attempt, RUN_US, encode_value(i, 'result'));
      } else if (message.kind === 'welcome') {
        void beat(order, message.welcome.heartbeat_interval);
      } else if (message.kind === 'stop') {
        channel.suspend();
      }
    }
    channel.flush();
  };
  const options = { max_frame_bytes: MAX_FRAME_BYTES, on_frame, is_resumable: true };
  const channel = new Channel(link, options, rest);
  const facts = { pid: process.pid, hostname: 'simulated', node_version: process.version };
  report.ready(channel.writer, facts);
  channel.flush();
}

/** The pulse of a slave, with a connection of its own. */
async function beat(order: Order, interval: number): Promise<void> {
  const { link, rest } = await connect(order, 'pulse');
  const post = (message: PulseModule.PulseMessage): void => {
    pulse_messages.write_pulse_message(channel.writer, message);
    channel.flush();
  };
  const on_frame = (bytes: Buffer, start: number, end: number): void => {
    for (const message of pulse_messages.read_pulse_messages(bytes, start, end)) {
      // Tasks are run as they come, so there is nothing to give back.
      if (message.kind === 'take_back') post({ kind: 'taken_back', from: message.to, to: message.to });
    }
  };
  const options = { max_frame_bytes: MAX_FRAME_BYTES, on_frame, is_resumable: false };
  const channel = new Channel(link, options, rest);
  const vitals = { rss: 0, peak: 0, cpu: 0, stalled: 0 };
  const heartbeat = (): void => post({ kind: 'heartbeat', vitals });
  const timer = setInterval(heartbeat, interval);
  channel.on_close = () => clearInterval(timer);
  heartbeat();
}

function connect(order: Order, role: 'main' | 'pulse') {
  const addresses = order.addresses.map((address) => {
    const colon = address.lastIndexOf(':');
    return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
  });
  const { slave_id, launch } = order;
  return dial(addresses, Buffer.from(order.secret, 'hex'), { slave_id, launch, role, is_resuming: false });
}
