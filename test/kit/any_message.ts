/** Messages of the main connection: any order and any report, each with the call that writes it. */
import fc from 'fast-check';
import type { Progress } from '../../src/task.js';
import type { BatchWriter } from '../../src/wire/batch.js';
import { order, report, type ToMaster, type ToSlave } from '../../src/wire/messages.js';
import { encode_value, encoded_bytes } from '../../src/wire/value.js';
import { any_tree } from './any_value.js';

/** A message, and how it is written. */
export interface Written<Message> {
  message: Message;
  write(to: BatchWriter): void;
}

const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const optional_uint = fc.option(uint, { nil: undefined });
const text = fc.string({ unit: 'grapheme' });
/** That one is refused by its sender. */
const any_name = text.filter((name) => name !== '__proto__');
const args = fc.array(any_tree, { maxLength: 3 });
const encode = (value: unknown) => encode_value(value, 'value');

type Makers<Message extends { kind: string }> = {
  [K in Message['kind']]: fc.Arbitrary<Written<Extract<Message, { kind: K }>>>;
};

function written<Message>(message: Message, write: (to: BatchWriter) => void): Written<Message> {
  return { message, write };
}

/** One arbitrary for each kind of order: the type keeps the list complete. */
export const any_order: Makers<ToSlave> = {
  welcome: fc
    .record({
      name: text,
      slave_id: uint,
      launch: uint,
      max_frame_bytes: uint,
      heartbeat_interval: fc.nat(),
      log_level: text,
      cancel_grace: fc.nat(),
      kill_slave_memory: fc.constantFrom(1024, Infinity),
      reconnect_timeout: fc.nat(),
      lease: fc.nat(),
    })
    .map((welcome) => written({ kind: 'welcome', welcome }, (to) => order.welcome(to, welcome))),
  define_task: fc
    .tuple(uint, text, text)
    .map(([fn_id, module, export_name]) =>
      written({ kind: 'define_task', fn_id, module, export_name }, (to) =>
        order.define_task(to, fn_id, module, export_name),
      ),
    ),
  run_task: fc
    .record({ task_id: uint, attempt: uint, fn_id: uint, index: optional_uint, timeout: uint, args })
    .map((m) =>
      written({ kind: 'run_task', ...m }, (to) =>
        order.run_task(to, m.task_id, m.attempt, m.fn_id, m.index, m.timeout, encode(m.args)),
      ),
    ),
  last_checkpoint: fc
    .record({ task_id: uint, value: any_tree })
    .map((m) =>
      written({ kind: 'last_checkpoint', ...m }, (to) =>
        order.last_checkpoint(to, m.task_id, encode(m.value)),
      ),
    ),
  trace_context: fc
    .record({ task_id: uint, carrier: fc.dictionary(any_name, text) })
    .map((m) =>
      written({ kind: 'trace_context', ...m }, (to) => order.trace_context(to, m.task_id, m.carrier)),
    ),
  run_cmd: fc
    .record({ cmd_id: uint, is_function: fc.boolean(), args, code: text })
    .map((m) =>
      written({ kind: 'run_cmd', ...m }, (to) => order.run_cmd(to, m.cmd_id, m.is_function, m.code, m.args)),
    ),
  data: fc
    .record({ bytes: uint, value: any_tree })
    .map((m) => written({ kind: 'data', ...m }, (to) => order.data(to, m.bytes, encode(m.value)))),
  data_taken: uint.map((bytes) =>
    written({ kind: 'data_taken', bytes }, (to) => order.data_taken(to, bytes)),
  ),
  abort_task: uint.map((task_id) =>
    written({ kind: 'abort_task', task_id }, (to) => order.abort_task(to, task_id)),
  ),
  stop: fc.constant(0).map(() => written({ kind: 'stop' }, (to) => order.stop(to))),
};

const any_task_end = { task_id: uint, attempt: uint, run_us: uint };

function any_task_report<Kind extends 'task_done' | 'task_failed'>(kind: Kind) {
  return fc
    .record({ ...any_task_end, value: any_tree })
    .map((m) =>
      written({ kind, ...m, has_timed_out: false }, (to) =>
        report.task(to, kind === 'task_done', m.task_id, m.attempt, m.run_us, encode(m.value)),
      ),
    );
}

const any_timeout_report = fc
  .record(any_task_end)
  .map((m) =>
    written({ kind: 'task_failed' as const, ...m, value: undefined, has_timed_out: true }, (to) =>
      report.task_timed_out(to, m.task_id, m.attempt, m.run_us),
    ),
  );

/** One arbitrary for each kind of report. One of them reads as a failure like others. */
export const any_report: Makers<ToMaster> & { task_timed_out: fc.Arbitrary<Written<ToMaster>> } = {
  ready: fc
    .record({ pid: fc.nat(), hostname: text, node_version: text })
    .map((facts) => written({ kind: 'ready', facts }, (to) => report.ready(to, facts))),
  task_done: any_task_report('task_done') as Makers<ToMaster>['task_done'],
  task_failed: any_task_report('task_failed') as Makers<ToMaster>['task_failed'],
  task_timed_out: any_timeout_report,
  cmd_done: uint.map((cmd_id) => written({ kind: 'cmd_done', cmd_id }, (to) => report.cmd_done(to, cmd_id))),
  cmd_failed: fc
    .record({ cmd_id: uint, error: any_tree })
    .map((m) =>
      written({ kind: 'cmd_failed', ...m }, (to) => report.cmd_failed(to, m.cmd_id, encode(m.error))),
    ),
  data: fc
    .record({ bytes: uint, value: any_tree })
    .map((m) => written({ kind: 'data', ...m }, (to) => report.data(to, m.bytes, encode(m.value)))),
  data_taken: uint.map((bytes) =>
    written({ kind: 'data_taken', bytes }, (to) => report.data_taken(to, bytes)),
  ),
  progress: fc
    .record({
      task_id: uint,
      attempt: uint,
      progress: fc.record({
        done: fc.nat(),
        total: fc.option(fc.nat(), { nil: undefined }),
        note: fc.option(text, { nil: undefined }),
      }),
    })
    .map(({ progress, ...m }) => {
      // what is undefined is left out
      const given = Object.entries(progress).filter(([, value]) => value !== undefined);
      return written(
        { kind: 'progress', ...m, progress: Object.fromEntries(given) as unknown as Progress },
        (to) => report.progress(to, m.task_id, m.attempt, progress),
      );
    }),
  checkpoint: fc.record({ task_id: uint, attempt: uint, value: any_tree }).map((m) =>
    written(
      {
        kind: 'checkpoint',
        task_id: m.task_id,
        attempt: m.attempt,
        bytes: encoded_bytes(encode(m.value)),
        value: m.value,
      },
      (to) => report.checkpoint(to, m.task_id, m.attempt, encode(m.value)),
    ),
  ),
  left_over: fc
    .record({
      index: uint,
      attempt: uint,
      run_us: uint,
      outcome: fc.constantFrom('done' as const, 'failed' as const, 'timed_out' as const),
      value: any_tree,
    })
    .map(({ outcome, value, ...m }) => {
      const [is_done, has_timed_out] = [outcome === 'done', outcome === 'timed_out'];
      return written({ kind: 'left_over', ...m, is_done, has_timed_out, value }, (to) =>
        report.left_over(to, m.index, m.attempt, m.run_us, outcome, encode(value)),
      );
    }),
  stray_error: any_tree.map((error) =>
    written({ kind: 'stray_error', error }, (to) => report.stray_error(to, encode(error))),
  ),
  exiting: fc
    .record({ exit_code: fc.nat(255), task_id: optional_uint, is_evicted: fc.boolean() })
    .map((m) =>
      written({ kind: 'exiting', ...m }, (to) => report.exiting(to, m.exit_code, m.task_id, m.is_evicted)),
    ),
};
