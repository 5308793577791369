/**
 * The pre-shared key of encrypted connections: TLS 1.3 (RFC 8446, external PSK with an ephemeral key exchange).
 * It encrypts and proves both sides with nothing to configure; the hello follows inside.
 */
import { createHmac } from 'node:crypto';
import type { CommonConnectionOptions, SecureContextOptions } from 'node:tls';

const IDENTITY = 'parjob';

/** What both ends say alike. The hash of the suite must be SHA-256, that of an external key. */
export const TLS_OPTIONS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  // no certificate is trusted: a server may leave the key alone and show one, and anybody can have one that the world trusts
  ca: [] as string[],
} as const satisfies CommonConnectionOptions & SecureContextOptions;

/** The key of the connections is not that of the hello, so that neither tells anything of the other. */
function key_of(secret: Buffer): Buffer {
  return createHmac('sha256', secret).update('parjob tls psk').digest();
}

export function client_psk(secret: Buffer): () => { psk: Buffer; identity: string } {
  const psk = key_of(secret);
  return () => ({ psk, identity: IDENTITY });
}

export function server_psk(secret: Buffer): (socket: unknown, identity: string) => Buffer | null {
  const psk = key_of(secret);
  return (_, identity) => (identity === IDENTITY ? psk : null);
}
