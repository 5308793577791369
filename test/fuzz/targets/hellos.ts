/**
 * Hellos: both far ends of the handshake. An input is one of two things: what a stranger says, or a mask that
 * someone between the two ends lays over what they say; only the mask that changes nothing may pass.
 */
import {
  HandshakeError,
  type Identity,
  MasterHandshake,
  SECRET_BYTES,
  SlaveHandshake,
  type Verdict,
} from '../../../src/wire/hello.js';
import type { Random } from '../random.js';
import { type Input, insist, type Target } from '../target.js';

const SECRET = Buffer.alloc(SECRET_BYTES, 0x5e);
const IDENTITY: Identity = { slave_id: 7, launch: 2, role: 'main', is_resuming: false };
const NOTHING = Buffer.alloc(0);
/** Of a stranger: the longest that a handshake may say in return is one challenge. */
const CHALLENGE_BYTES = 72;
/** First byte of an input. */
const STRANGER = 0;
const BETWEEN = 1;

function stranger(bytes: Buffer): Input {
  return { bytes: Buffer.concat([Buffer.from([STRANGER]), bytes]) };
}

function between(hello: number, challenge: number, proof: number): Input {
  return { bytes: Buffer.concat([Buffer.from([BETWEEN]), Buffer.alloc(hello + challenge + proof)]) };
}

const hello = () => new SlaveHandshake(SECRET, IDENTITY).hello;
const challenge = () => new MasterHandshake(SECRET).push(hello()).reply as Buffer;

type End = MasterHandshake | SlaveHandshake;

/** What an end makes of bytes that come in pieces. */
function push_pieces(end: End, bytes: Buffer, random: Random): Verdict {
  let reply = NOTHING;
  const most = random.pick([1, 7, 1000]);
  for (let at = 0; at < bytes.length; ) {
    const piece = Buffer.from(bytes.subarray(at, at + 1 + random.below(most)));
    at += piece.length;
    const verdict = end.push(piece);
    if (verdict.reply !== undefined) reply = Buffer.concat([reply, verdict.reply]);
    insist(reply.length <= CHALLENGE_BYTES, 'a handshake says more than one record in return');
    if (verdict.refused !== undefined) {
      insist(verdict.refused instanceof HandshakeError, 'a refusal is no HandshakeError');
      return { refused: verdict.refused, reply };
    }
    if (verdict.rest !== undefined) return { rest: Buffer.concat([verdict.rest, bytes.subarray(at)]), reply };
    piece.fill(0xee);
  }
  return { reply };
}

/** A mask that is too short cuts the record off, one that is too long lengthens it. */
function masked(record: Buffer, mask: Buffer): Buffer {
  const changed = Buffer.from(mask);
  for (let i = 0; i < changed.length; i++) changed[i]! ^= record[i] ?? 0;
  return changed;
}

function hear_stranger(bytes: Buffer, random: Random): boolean {
  const master = new MasterHandshake(SECRET);
  const at_master = push_pieces(master, bytes, random);
  insist(master.identity === undefined && at_master.rest === undefined, 'a master lets a stranger in');
  const at_slave = push_pieces(new SlaveHandshake(SECRET, IDENTITY), bytes, random);
  insist(at_slave.rest === undefined, 'a slave takes a stranger for its master');
  insist(at_slave.reply?.length === 0, 'a slave answers a stranger');
  return at_master.refused === undefined;
}

function talk_through(mask: Buffer, random: Random): boolean {
  const slave = new SlaveHandshake(SECRET, { ...IDENTITY, is_resuming: random.one_in(2) });
  const is_known = random.one_in(2);
  const master = new MasterHandshake(SECRET, () => is_known);
  const said = masked(slave.hello, mask.subarray(0, 48));
  const greeted = push_pieces(master, said, random);
  const answer = masked(greeted.reply ?? NOTHING, mask.subarray(48, 48 + 72));
  const at_slave = push_pieces(slave, answer, random);
  const proof = masked(at_slave.reply ?? NOTHING, mask.subarray(48 + 72, 48 + 72 + 32));
  const at_master = greeted.refused === undefined ? push_pieces(master, proof, random) : greeted;
  const is_clean = mask.length >= 152 && mask.subarray(0, 152).every((byte) => byte === 0);
  insist((at_master.rest !== undefined) === is_clean, 'a handshake that was tampered with is accepted');
  insist((master.identity !== undefined) === is_clean, 'a master knows who was not accepted');
  if (is_clean) insist(master.identity?.slave_id === IDENTITY.slave_id, 'a master mistakes the slave');
  return is_clean;
}

export const hellos_target = (): Target => ({
  name: 'hellos',
  layout: 'binary',
  samples: [
    stranger(hello()),
    stranger(challenge()),
    stranger(Buffer.concat([hello(), Buffer.alloc(32)])),
    stranger(Buffer.from('GET / HTTP/1.1\r\nHost: node7\r\n\r\n')),
    between(48, 72, 32),
    between(48, 72, 32),
    between(48, 72, 40),
  ],
  run({ bytes }: Input, random: Random): boolean {
    const said = bytes.subarray(1);
    return bytes[0] === BETWEEN ? talk_through(said, random) : hear_stranger(said, random);
  },
});
