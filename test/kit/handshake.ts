/** Handshakes: both far ends of the hello, and someone between them who may change what passes. */
import { randomBytes } from 'node:crypto';
import {
  type Identity,
  MasterHandshake,
  SECRET_BYTES,
  SlaveHandshake,
  type Verdict,
} from '../../src/wire/hello.js';
import { pieces } from './cuts.js';

export const secret = randomBytes(SECRET_BYTES);
export const IDENTITY: Identity = { slave_id: 7, launch: 2, role: 'main', is_resuming: false };
export const NOTHING = Buffer.alloc(0);

type End = MasterHandshake | SlaveHandshake;

/** Pushes `bytes` in pieces, as far as the end wants them. */
export function push_all(end: End, bytes: Buffer, cuts: readonly number[] = [2 ** 30]): Verdict {
  const replies: Buffer[] = [];
  let at = 0;
  for (const piece of pieces(bytes, cuts)) {
    at += piece.length;
    const verdict = end.push(piece);
    if (verdict.reply !== undefined) replies.push(Buffer.from(verdict.reply));
    piece.fill(0xee, 0, verdict.rest === undefined ? undefined : 0);
    const is_over = verdict.refused !== undefined || verdict.rest !== undefined;
    if (!is_over) continue;
    const rest = verdict.rest && Buffer.concat([verdict.rest, bytes.subarray(at)]);
    return { ...verdict, ...(rest && { rest }), reply: Buffer.concat(replies) };
  }
  return { reply: Buffer.concat(replies) };
}

export interface Talk {
  hello: Buffer;
  challenge: Buffer;
  proof: Buffer;
  at_slave: Verdict;
  at_master: Verdict;
  master: MasterHandshake;
}

/** A handshake, with someone between the ends who may change what passes. */
export function talk(
  options: {
    slave?: SlaveHandshake;
    master?: MasterHandshake;
    change_hello?: (hello: Buffer) => Buffer;
    change_challenge?: (challenge: Buffer) => Buffer;
    change_proof?: (proof: Buffer) => Buffer;
  } = {},
): Talk {
  const same = (bytes: Buffer) => bytes;
  const { change_hello = same, change_challenge = same, change_proof = same } = options;
  const slave = options.slave ?? new SlaveHandshake(secret, IDENTITY);
  const master = options.master ?? new MasterHandshake(secret);
  const hello = Buffer.from(slave.hello);
  const greeted = push_all(master, change_hello(Buffer.from(hello)));
  const challenge = greeted.reply ?? NOTHING;
  const at_slave = push_all(slave, change_challenge(Buffer.from(challenge)));
  const proof = at_slave.reply ?? NOTHING;
  const at_master =
    greeted.refused === undefined ? push_all(master, change_proof(Buffer.from(proof))) : greeted;
  return { hello, challenge, proof, at_slave, at_master, master };
}
