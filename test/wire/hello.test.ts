import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.js';
import {
  HandshakeError,
  type Identity,
  MasterHandshake,
  PROTOCOL_VERSION,
  type Refusal,
  SECRET_BYTES,
  SlaveHandshake,
  type Verdict,
} from '../../src/wire/hello.js';
import { any_cuts } from '../kit/cuts.js';
import { IDENTITY, NOTHING, push_all, secret, talk } from '../kit/handshake.js';

function refusal_of(verdict: Verdict): Refusal | undefined {
  if (verdict.refused !== undefined) expect(verdict.refused).toBeInstanceOf(HandshakeError);
  return verdict.refused?.refusal;
}

function flip(bytes: Buffer, bit: number): Buffer {
  const at = (bit >> 3) % bytes.length;
  bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << (bit & 7)), at);
  return bytes;
}

describe('a handshake with the same secret', () => {
  it('is accepted at both ends, with the identity, however its bytes are cut, and the rest is handed over', () => {
    const any_identity = fc.record<Identity>({
      slave_id: fc.nat(2 ** 32 - 1),
      launch: fc.nat(2 ** 32 - 1),
      role: fc.constantFrom('main', 'pulse'),
      is_resuming: fc.boolean(),
    });
    const any_rest = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(
        any_identity,
        any_cuts,
        any_rest,
        any_rest,
        (identity, cuts, after_challenge, after_proof) => {
          const slave = new SlaveHandshake(secret, identity);
          const master = new MasterHandshake(secret);
          const greeted = push_all(master, slave.hello, cuts);
          const at_slave = push_all(slave, Buffer.concat([greeted.reply ?? NOTHING, after_challenge]), cuts);
          expect(at_slave.refused).toBeUndefined();
          expect(at_slave.rest?.equals(after_challenge)).toBe(true);
          expect(master.identity).toBeUndefined();
          const at_master = push_all(master, Buffer.concat([at_slave.reply ?? NOTHING, after_proof]), cuts);
          expect(at_master.refused).toBeUndefined();
          expect(at_master.rest?.equals(after_proof)).toBe(true);
          expect(master.identity).toEqual(identity);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('takes records of fixed sizes: 48, 72 and 32 bytes', () => {
    const { hello, challenge, proof } = talk();
    expect([hello.length, challenge.length, proof.length]).toEqual([48, 72, 32]);
  });

  it('says nothing of the secret, and never the same twice', () => {
    const [first, second] = [talk(), talk()];
    for (const record of ['hello', 'challenge', 'proof'] as const) {
      expect(first[record].equals(second[record])).toBe(false);
      expect(first[record].includes(secret.subarray(0, 8))).toBe(false);
    }
  });
});

describe('a handshake is refused', () => {
  it('by the slave first when the secrets differ, and by the master whatever the slave answers', () => {
    const other = randomBytes(SECRET_BYTES);
    const { at_slave, at_master, master } = talk({
      slave: new SlaveHandshake(other, IDENTITY),
      change_proof: () => randomBytes(32),
    });
    expect(refusal_of(at_slave)).toBe('bad_secret');
    expect(at_slave.reply).toEqual(NOTHING);
    expect(refusal_of(at_master)).toBe('bad_secret');
    expect(master.identity).toBeUndefined();
  });

  it.each(['change_hello', 'change_challenge', 'change_proof'] as const)(
    'when a bit is flipped on the way: %s',
    (change) => {
      fc.assert(
        fc.property(fc.nat(72 * 8), (bit) => {
          const { at_slave, at_master, master } = talk({
            [change]: (bytes: Buffer) => (bytes.length > 0 ? flip(bytes, bit) : bytes),
          });
          expect(refusal_of(at_slave) ?? refusal_of(at_master)).toBeDefined();
          expect(master.identity).toBeUndefined();
        }),
        { numRuns: 300 },
      );
    },
  );

  it('when an earlier hello and proof are said again', () => {
    const earlier = talk();
    const { at_master, master } = talk({
      change_hello: () => earlier.hello,
      change_proof: () => earlier.proof,
    });
    expect(refusal_of(at_master)).toBe('bad_secret');
    expect(master.identity).toBeUndefined();
  });

  it('when an earlier challenge is said again', () => {
    const earlier = talk();
    expect(refusal_of(talk({ change_challenge: () => earlier.challenge }).at_slave)).toBe('bad_secret');
  });

  it.each([
    ['the HMAC of the challenge', (t: { challenge: Buffer }) => t.challenge.subarray(40)],
    ['the start of the challenge', (t: { challenge: Buffer }) => t.challenge.subarray(0, 32)],
    ['the nonce of the hello', (t: { hello: Buffer }) => t.hello.subarray(16)],
    ['zeros', () => Buffer.alloc(32)],
  ])('when the proof is %s, said back', (_what, reflect) => {
    const slave = new SlaveHandshake(secret, IDENTITY);
    const master = new MasterHandshake(secret);
    const challenge = Buffer.from(push_all(master, slave.hello).reply ?? NOTHING);
    const verdict = push_all(master, Buffer.from(reflect({ hello: slave.hello, challenge })));
    expect(refusal_of(verdict)).toBe('bad_secret');
  });

  it('when the slave is given out for another one on the way', () => {
    const change_hello = (hello: Buffer) => {
      hello.writeUInt32BE(8, 8);
      return hello;
    };
    const { at_slave, master } = talk({ change_hello });
    expect(refusal_of(at_slave)).toBe('bad_secret');
    expect(master.identity).toBeUndefined();
  });

  it('when one master passes the proof on to another', () => {
    const [slave, far] = [new SlaveHandshake(secret, IDENTITY), new MasterHandshake(secret)];
    const { proof } = talk({ slave });
    push_all(far, slave.hello);
    expect(refusal_of(push_all(far, proof))).toBe('bad_secret');
  });

  it.each([0, PROTOCOL_VERSION + 1, 0xffff])(
    'at both ends, with both versions named, when the slave speaks version %d',
    (version) => {
      const change_hello = (hello: Buffer) => {
        hello.writeUInt16BE(version, 4);
        return hello;
      };
      const { at_master, at_slave, challenge } = talk({ change_hello });
      expect(refusal_of(at_master)).toBe('version_differs');
      expect(at_master.refused?.message).toContain(
        `version ${version} of the protocol, this master version ${PROTOCOL_VERSION}`,
      );
      expect(refusal_of(at_slave)).toBe('version_differs');
      // and it tells a stranger nothing that depends on the secret
      expect(challenge.subarray(8).equals(Buffer.alloc(64))).toBe(true);
    },
  );

  it('as a stranger when the client speaks another protocol, with no answer', () => {
    const master = new MasterHandshake(secret);
    const verdict = push_all(
      master,
      Buffer.from(`GET / HTTP/1.1\r\nHost: node7\r\nAccept: */*\r\n\r\n${'x'.repeat(40)}`),
    );
    expect(refusal_of(verdict)).toBe('stranger');
    expect(verdict.reply).toEqual(NOTHING);
  });

  it('as a stranger when the server speaks another protocol', () => {
    const slave = new SlaveHandshake(secret, IDENTITY);
    expect(refusal_of(push_all(slave, Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'.repeat(5))))).toBe('stranger');
  });

  it.each([false, true])(
    'when it is changed on the way whether the slave resumes, which is %s',
    (is_resuming) => {
      const change_hello = (hello: Buffer) => {
        hello.writeUInt8(is_resuming ? 0 : 1, 7);
        return hello;
      };
      const slave = new SlaveHandshake(secret, { ...IDENTITY, is_resuming });
      const { at_slave, master } = talk({ slave, change_hello });
      expect(refusal_of(at_slave)).toBe('bad_secret');
      expect(master.identity).toBeUndefined();
    },
  );

  it.each([2, 3, 0x80, 0xff])('when its flags are %d, which mean nothing', (flags) => {
    const change_hello = (hello: Buffer) => {
      hello.writeUInt8(flags, 7);
      return hello;
    };
    expect(refusal_of(talk({ change_hello }).at_master)).toBe('stranger');
  });

  it('when the role is none that there is', () => {
    const change_hello = (hello: Buffer) => {
      hello.writeUInt8(2, 6);
      return hello;
    };
    expect(refusal_of(talk({ change_hello }).at_master)).toBe('stranger');
  });

  it('or goes on waiting, and never throws, when the bytes are random', () => {
    const any_bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .uint8Array({ maxLength: 200 })
        .map((bytes) => Buffer.concat([new SlaveHandshake(secret, IDENTITY).hello.subarray(0, 8), bytes])),
    );
    fc.assert(
      fc.property(any_bytes, any_cuts, fc.boolean(), (bytes, cuts, is_master) => {
        const end = is_master ? new MasterHandshake(secret) : new SlaveHandshake(secret, IDENTITY);
        const verdict = push_all(end, Buffer.from(bytes), cuts);
        expect(verdict.rest).toBeUndefined();
        if (verdict.refused !== undefined) expect(verdict.refused).toBeInstanceOf(ProtocolError);
      }),
      { numRuns: 300 },
    );
  });

  it('once and for all: what the client says after it changes nothing', () => {
    const { hello, proof } = talk();
    for (const first of [Buffer.alloc(48, 1), hello]) {
      const master = new MasterHandshake(secret);
      push_all(master, first);
      push_all(master, Buffer.alloc(32));
      expect(push_all(master, proof).rest).toBeUndefined();
      expect(master.identity).toBeUndefined();
    }
  });
});
