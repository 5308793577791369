/**
 * Pulse messages: what a slave's second connection carries. Each is `[kind, uint, ...]`, so that the
 * pulse thread, which must start fast, needs no msgpack library.
 *
 *     to the slave    take_back(from, to)  kill(seq)  alive()  stop()
 *     to the master   heartbeat(rss, peak, cpu, stalled)  round_trip(ms)  taken_back(from, to)  killed(seq, why)
 */
import { ProtocolError } from '../errors.js';
import type { BatchWriter } from './batch.js';

/** Larger frames are noise: a pulse says little. */
export const MAX_PULSE_FRAME_BYTES = 64 * 1024;

const KINDS = {
  take_back: 64,
  stop: 65,
  kill: 66,
  alive: 67,
  heartbeat: 96,
  taken_back: 97,
  killed: 98,
  round_trip: 99,
} as const;
type Kind = keyof typeof KINDS;
const FIELDS: Readonly<Record<Kind, number>> = {
  take_back: 2,
  stop: 0,
  kill: 1,
  alive: 0,
  heartbeat: 4,
  taken_back: 2,
  killed: 2,
  round_trip: 1,
};
/** Why a pulse ends its process, by number. */
const REASONS = ['cancelled', 'timed_out', 'too_large'] as const;
export type KillReason = (typeof REASONS)[number];
/** In the place of a task's number: none was running. */
const NO_TASK = 2 ** 53 - 1;
const WORDS = new Map<number, Kind>(Object.entries(KINDS).map(([word, number]) => [number, word as Kind]));

/** What the pulse measures of its process. */
export interface Vitals {
  /** Resident memory, bytes. */
  rss: number;
  /** The most that it has had so far, bytes. */
  peak: number;
  /** CPU time since the start, user and system, ms. */
  cpu: number;
  /** How long the event loop of the slave's main thread has not turned, ms. */
  stalled: number;
}

export type PulseMessage =
  /** Give back the tasks sent as number `from` up to, not including, `to`, as far as they have not started. */
  | { kind: 'take_back'; from: number; to: number }
  /** End the process, if its main thread does not. */
  | { kind: 'stop' }
  /** End the process at once, if it is still running the task sent as number `seq`. */
  | { kind: 'kill'; seq: number }
  /** The master lives: the answer to a heartbeat. */
  | { kind: 'alive' }
  | { kind: 'heartbeat'; vitals: Vitals }
  /** The time from a heartbeat to its answer, ms. */
  | { kind: 'round_trip'; ms: number }
  /** The tasks `from` up to, not including, `to` will not be run. */
  | { kind: 'taken_back'; from: number; to: number }
  /** The process ends now; it ran the task sent as number `seq`, or none. */
  | { kind: 'killed'; seq: number | undefined; why: KillReason };

export function write_pulse_message(writer: BatchWriter, message: PulseMessage): void {
  const fields = fields_of(message);
  writer.message(1 + fields.length, KINDS[message.kind]);
  for (const field of fields) writer.uint(field);
}

function fields_of(message: PulseMessage): number[] {
  switch (message.kind) {
    case 'take_back':
    case 'taken_back':
      return [message.from, message.to];
    case 'heartbeat':
      return [message.vitals.rss, message.vitals.peak, message.vitals.cpu, message.vitals.stalled];
    case 'kill':
      return [message.seq];
    case 'round_trip':
      return [message.ms];
    case 'killed':
      return [message.seq ?? NO_TASK, REASONS.indexOf(message.why)];
    case 'stop':
    case 'alive':
      return [];
  }
}

/** The messages in the body of a frame. @throws ProtocolError (PARJOB_ERR_PROTOCOL) */
export function read_pulse_messages(bytes: Buffer, start: number, end: number): PulseMessage[] {
  const messages: PulseMessage[] = [];
  const reader = new UintReader(bytes, start, end);
  for (let left = reader.batch_length(); left > 0; left--) {
    const [number, ...fields] = reader.message();
    const kind = WORDS.get(number as number);
    const [first = 0, second = 0, third = 0, fourth = 0] = fields;
    if (kind !== undefined && fields.length !== FIELDS[kind]) {
      throw new ProtocolError(
        `a pulse message ${kind} has ${fields.length} fields, expected ${FIELDS[kind]}`,
      );
    }
    switch (kind) {
      case 'take_back':
      case 'taken_back':
        messages.push({ kind, from: first, to: second });
        break;
      case 'heartbeat':
        messages.push({ kind, vitals: { rss: first, peak: second, cpu: third, stalled: fourth } });
        break;
      case 'stop':
      case 'alive':
        messages.push({ kind });
        break;
      case 'kill':
        messages.push({ kind, seq: first });
        break;
      case 'round_trip':
        messages.push({ kind, ms: first });
        break;
      case 'killed': {
        const why = REASONS[second];
        if (why === undefined) throw new ProtocolError(`a slave was killed for the unknown reason ${second}`);
        messages.push({ kind, seq: first === NO_TASK ? undefined : first, why });
        break;
      }
      default:
        throw new ProtocolError(`a pulse message has the unknown kind ${number}`);
    }
  }
  reader.end();
  return messages;
}

/** Reads what BatchWriter.message and .uint write. */
class UintReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  batch_length(): number {
    if (this.#byte() !== 0xdd) throw new ProtocolError('a pulse body must be an array of messages');
    return this.#take(4).readUInt32BE();
  }

  message(): number[] {
    const head = this.#byte();
    if ((head & 0xf0) !== 0x90) throw new ProtocolError('a pulse message must be an array');
    return Array.from({ length: head & 0x0f }, () => this.#uint());
  }

  #uint(): number {
    const head = this.#byte();
    if (head < 0x80) return head;
    if (head === 0xcc) return this.#byte();
    if (head === 0xcd) return this.#take(2).readUInt16BE();
    if (head === 0xce) return this.#take(4).readUInt32BE();
    if (head === 0xcb) {
      const value = this.#take(8).readDoubleBE();
      if (Number.isSafeInteger(value) && value >= 0) return value;
    }
    throw new ProtocolError('a field of a pulse message must be a whole number from 0 on');
  }

  end(): void {
    if (this.#at !== this.#end) throw new ProtocolError('a pulse body goes on behind its last message');
  }

  #byte(): number {
    return this.#take(1)[0] as number;
  }

  #take(count: number): Buffer {
    const from = this.#at;
    this.#at += count;
    if (this.#at > this.#end) throw new ProtocolError('a pulse body ends in the middle of a message');
    return this.#bytes.subarray(from, this.#at);
  }
}
