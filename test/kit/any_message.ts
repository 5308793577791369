/** Messages of the main connection: any order and any report, each with the call that writes it. */
import fc from 'fast-check';
import type { BatchWriter } from '../../src/wire/batch.js';
import { order, report, type ToMaster, type ToSlave } from '../../src/wire/messages.js';
import { encode_value } from '../../src/wire/value.js';
import { any_tree } from './any_value.js';

/** A message, and how it is written. */
export interface Written<Message> {
  message: Message;
  write(to: BatchWriter): void;
}

const uint = fc.oneof(fc.nat(300), fc.maxSafeNat());
const optional_uint = fc.option(uint, { nil: undefined });
const text = fc.string({ unit: 'grapheme' });
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
    .record({ name: text, max_frame_bytes: uint, heartbeat_interval: fc.nat(), log_level: text })
    .map((welcome) => written({ kind: 'welcome', welcome }, (to) => order.welcome(to, welcome))),
  define_task: fc
    .tuple(uint, text, text)
    .map(([fn_id, module, export_name]) =>
      written({ kind: 'define_task', fn_id, module, export_name }, (to) =>
        order.define_task(to, fn_id, module, export_name),
      ),
    ),
  run_task: fc
    .record({ task_id: uint, attempt: uint, fn_id: uint, index: optional_uint, args })
    .map((m) =>
      written({ kind: 'run_task', ...m }, (to) =>
        order.run_task(to, m.task_id, m.attempt, m.fn_id, m.index, encode(m.args)),
      ),
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

function any_task_report<Kind extends 'task_done' | 'task_failed'>(kind: Kind) {
  return fc
    .record({ task_id: uint, attempt: uint, run_us: uint, value: any_tree })
    .map((m) =>
      written({ kind, ...m }, (to) =>
        report.task(to, kind === 'task_done', m.task_id, m.attempt, m.run_us, encode(m.value)),
      ),
    );
}

/** One arbitrary for each kind of report. */
export const any_report: Makers<ToMaster> = {
  ready: fc
    .record({ pid: fc.nat(), hostname: text, node_version: text })
    .map((facts) => written({ kind: 'ready', facts }, (to) => report.ready(to, facts))),
  task_done: any_task_report('task_done') as Makers<ToMaster>['task_done'],
  task_failed: any_task_report('task_failed') as Makers<ToMaster>['task_failed'],
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
    .map((m) =>
      written({ kind: 'progress', ...m }, (to) => report.progress(to, m.task_id, m.attempt, m.progress)),
    ),
  stray_error: any_tree.map((error) =>
    written({ kind: 'stray_error', error }, (to) => report.stray_error(to, encode(error))),
  ),
  exiting: fc
    .record({ exit_code: fc.nat(255), task_id: optional_uint })
    .map((m) => written({ kind: 'exiting', ...m }, (to) => report.exiting(to, m.exit_code, m.task_id))),
};
