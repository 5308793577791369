/** Communicators, alone or in pairs, without a connection. */
import { Communicator, type Wire } from '../../src/net/communicator.js';
import { AttachmentCursor } from '../../src/wire/restore.js';
import { decode_value, unpack } from '../../src/wire/value.js';

/** A wire that only counts. */
export class CountingWire implements Wire {
  readonly sent: number[] = [];
  readonly taken: number[] = [];

  data(bytes: number): void {
    this.sent.push(bytes);
  }
  data_taken(bytes: number): void {
    this.taken.push(bytes);
  }
}

export function counted(): [Communicator, CountingWire] {
  const wire = new CountingWire();
  return [new Communicator(wire), wire];
}

/** Two communicators that are each other's other end. */
export function joined(): [Communicator, Communicator] {
  const wire_to = (far: () => Communicator): Wire => ({
    data: (bytes, { form, bytes: buffer, start, end, attachments }) => {
      const body = Buffer.from(buffer.subarray(start, end));
      const arrived = (attachments ?? []).map((attachment) => Buffer.from(attachment));
      far().on_data(decode_value(form, unpack(body, 0, body.length), new AttachmentCursor(arrived)), bytes);
    },
    data_taken: (bytes) => far().on_data_taken(bytes),
  });
  const a: Communicator = new Communicator(wire_to(() => b));
  const b: Communicator = new Communicator(wire_to(() => a));
  return [a, b];
}
