/** Thrown: what a slave says that user code threw, which the master makes a RemoteError of, with a text. */
import { ProtocolError, RemoteError } from '../../../src/errors.js';
import { AttachmentCursor } from '../../../src/wire/restore.js';
import { decode_value, GRAPH, unpack } from '../../../src/wire/value.js';
import { values } from '../corpus.js';
import { type Input, insist, is_taken, type Target } from '../target.js';

/** Of the text: it stands in logs, and a user reads it. A message that was thrown is kept whole. */
const MAX_TEXT = 64 * 1024;
const FACTS = { slave: 'fuzz.slave0', what: 'task 0 (fuzz)', index: 0 };

export const thrown_target = (): Target => ({
  name: 'thrown',
  layout: 'msgpack',
  samples: values(GRAPH),
  run({ bytes, attachments = [] }: Input): boolean {
    let thrown: unknown;
    const taken = is_taken(ProtocolError, () => {
      thrown = decode_value(GRAPH, unpack(bytes, 0, bytes.length), new AttachmentCursor(attachments));
    });
    if (!taken) return false;
    const error = new RemoteError(thrown, FACTS);
    for (const field of ['message', 'remote_name', 'remote_message', 'stack'] as const)
      insist(typeof error[field] === 'string', `the ${field} of a RemoteError is no text`);
    insist(error.message.length < MAX_TEXT + bytes.length, 'the text of a RemoteError is far too long');
    return true;
  },
});
