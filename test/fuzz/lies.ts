/** Lies: what a slave that knows the secret may say. Good reports at bad times, of wrong tasks, and bad bodies. */
import { Packr } from 'msgpackr';
import type { BatchWriter } from '../../src/wire/batch.js';
import { report } from '../../src/wire/messages.js';
import type { PulseMessage } from '../../src/wire/pulse_messages.js';
import { type EncodedValue, encode_value, GRAPH } from '../../src/wire/value.js';
import { VALUES } from './corpus.js';
import type { Random } from './random.js';

const packr = new Packr({ useRecords: false });

/** Graphs that are well-formed, and of which no sender of ours would think. */
const GRAPHS: readonly unknown[] = [
  [[1], [8, [2], 'message', 'stack', false, null, null], [0, 'toString', 1, 'valueOf', 1]],
  [[1], [8, 'Error', [2], 'stack', false, null, null], [0, 'toString', 1, 'valueOf', 1]],
  [[1], [8, 'Error', 'message', [2], false, null, null], [0, 'toString', 1, 'valueOf', 1]],
  [[1], [8, 'Error', 'message', 'stack', true, [1], null, 'message', [2], 'stack', 7], [3]],
  [[1], [0, 'then', 1, 'toJSON', 2, '__proto__', [1]]],
  [[1], [2, 4_000_000_000, 3, 'far apart']],
  [[1], [3, [1], [1]]],
];

function any_value(random: Random): EncodedValue {
  if (random.one_in(2)) return encode_value(random.pick(VALUES), 'value');
  const bytes = Buffer.from(packr.pack(random.pick(GRAPHS)));
  return { form: GRAPH, bytes, start: 0, end: bytes.length, attachments: undefined };
}

function any_number(random: Random): number {
  return random.one_in(6) ? random.pick([2 ** 32, 2 ** 53 - 1, 1000, 255]) : random.below(8);
}

type Lie = (to: BatchWriter, random: Random, running: number) => void;

const LIES: readonly Lie[] = [
  // of the task that runs, so that it counts
  (to, random, running) =>
    report.task(to, random.one_in(2), running, 1, any_number(random), any_value(random)),
  (to, random, running) => report.task(to, false, running, 1, 0, any_value(random)),
  (to, random) =>
    report.task(to, random.one_in(2), any_number(random), any_number(random), 0, any_value(random)),
  (to) => report.ready(to, { pid: 1, hostname: 'elsewhere', node_version: 'v0' }),
  (to, random) => report.cmd_done(to, any_number(random)),
  (to, random) => report.cmd_failed(to, any_number(random), any_value(random)),
  (to, random) => report.data(to, any_number(random), any_value(random)),
  (to, random) => report.data_taken(to, any_number(random)),
  (to, random, running) => report.progress(to, running, any_number(random), { done: random.below(9) }),
  (to, random) => report.stray_error(to, any_value(random)),
  (to, random) => report.exiting(to, random.below(256), random.one_in(2) ? undefined : any_number(random)),
];

/** Writes one lie. `running` is the number of the task that the slave runs. */
export function tell_lie(to: BatchWriter, random: Random, running: number): void {
  random.pick(LIES)(to, random, running);
}

export function any_pulse_lie(random: Random): PulseMessage {
  const [from, to] = [any_number(random), any_number(random)];
  return { kind: 'taken_back', from, to };
}
