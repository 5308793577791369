/**
 * Bodies: what decodes the bytes of one frame, msgpack or like it. A body lies within a larger buffer, as it
 * does when it was read from a socket, and the bytes around it must not matter.
 */
import { ProtocolError } from '../../../src/errors.js';
import { read_orders, read_reports } from '../../../src/wire/messages.js';
import { read_pulse_messages } from '../../../src/wire/pulse_messages.js';
import { AttachmentCursor } from '../../../src/wire/restore.js';
import { decode_value, GRAPH, PLAIN, unpack } from '../../../src/wire/value.js';
import { orders, pulse_bodies, reports, values } from '../corpus.js';
import { check_fit } from '../fit_value.js';
import { check_shapes, ORDERS, PULSE_MESSAGES, REPORTS } from '../message_shape.js';
import type { Random } from '../random.js';
import { type Input, insist, is_taken, type Target } from '../target.js';

/** What stands before and behind a body: more than a header can lie about in one byte. */
const MARGIN = 300;
/** Heads that would be read on as msgpack: fixstr, fixarray, bin 8. */
const SURROUNDINGS = [0xa5, 0x93, 0xc4];
/** Every so many inputs are read twice, with other surroundings. */
const TWICE = 4;

type Read = (bytes: Buffer, start: number, end: number, attachments: readonly Uint8Array[]) => unknown;
/** Gives a digest of what was read. */
type Check = (result: unknown) => number;

function body_target(name: string, samples: readonly Input[], read: Read, check: Check): Target {
  const digest_of = ({ bytes, attachments = [] }: Input, surroundings: number): number | undefined => {
    const around = Buffer.alloc(bytes.length + 2 * MARGIN, surroundings);
    bytes.copy(around, MARGIN);
    let result: unknown;
    const taken = is_taken(ProtocolError, () => {
      result = read(around, MARGIN, MARGIN + bytes.length, attachments);
    });
    return taken ? check(result) : undefined;
  };
  const expected = samples.map((sample) => digest_of(sample, 0));
  if (expected.includes(undefined)) throw new Error(`a sample of ${name} is refused`);
  let next = 0;
  return {
    name,
    layout: 'msgpack',
    samples,
    run(input: Input, random: Random): boolean {
      const digest = digest_of(input, 0);
      if (random.one_in(TWICE)) {
        insist(
          digest_of(input, random.pick(SURROUNDINGS)) === digest,
          'what a body says depends on the bytes around it',
        );
      }
      return digest !== undefined;
    },
    verify(): void {
      const i = next++ % samples.length;
      insist(digest_of(samples[i] as Input, 0) === expected[i], 'a good body is read otherwise than before');
    },
  };
}

export const orders_target = (): Target =>
  body_target('orders', orders(), read_orders, (messages) => {
    check_shapes(messages as unknown[], ORDERS);
    return check_fit(messages);
  });

export const reports_target = (): Target =>
  body_target('reports', reports(), read_reports, (messages) => {
    check_shapes(messages as unknown[], REPORTS);
    return check_fit(messages);
  });

export const pulse_target = (): Target =>
  body_target('pulse', pulse_bodies(), read_pulse_messages, (messages) => {
    check_shapes(messages as unknown[], PULSE_MESSAGES);
    return check_fit(messages, true);
  });

function read_value(form: number): Read {
  return (bytes, start, end, attachments) =>
    decode_value(form, unpack(bytes, start, end), new AttachmentCursor(attachments));
}

export const plain_target = (): Target =>
  body_target('plain', values(PLAIN), read_value(PLAIN), (value) => check_fit(value, true));

export const graph_target = (): Target =>
  body_target('graph', values(GRAPH), read_value(GRAPH), (value) => check_fit(value));
