/**
 * A file through a pipe of TLS to another process, which writes it: TLS 1.3 by a pre-shared key over loopback, as between
 * parjob's hosts. The measure of files that travel.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';

const SINK = fileURLToPath(new URL('./tls_sink.cjs', import.meta.url));

/** Resolves when the other process has written all of it. */
export async function pipe_file(from: string, to: string): Promise<void> {
  const sink = fork(SINK, [to]);
  const [port] = (await once(sink, 'message')) as [number];
  const ended = once(sink, 'exit');
  const socket = connect({
    port,
    ciphers: 'TLS_AES_128_GCM_SHA256',
    minVersion: 'TLSv1.3',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ identity: 'bench', psk: Buffer.alloc(32, 1) }),
  });
  await pipeline(createReadStream(from, { highWaterMark: 1024 * 1024 }), socket);
  const [code] = (await ended) as [number];
  if (code !== 0) throw new Error(`the other end of the pipe ended with ${code}`);
}
