/**
 * TlsLink: a Link that is encrypted, for connections that leave the machine. TLS 1.3 with the job's secret as
 * pre-shared key: who does not know it is turned away before the hello.
 */
import type { Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { HandshakeError } from '../wire/hello.js';
import { client_psk, server_psk, TLS_OPTIONS } from './psk.js';
import { type OnRead, TcpLink } from './tcp_link.js';

/** What OpenSSL says when the peer's key is another one; the second as the peer of it is told. */
const OTHER_KEY = /BINDER_DOES_NOT_VERIFY|ALERT_ILLEGAL_PARAMETER|ALERT_DECRYPT_ERROR/;

/** What it says of a certificate, of which none is trusted. */
const CERTIFICATE = /CERT|UNABLE_TO_VERIFY/;

let context: SecureContext | undefined;

/** By what node knows what its option `onread` says. It takes the option for sockets that dial, and not for those that were accepted. */
const ONREAD = { buffer: 'kBuffer', make_buffer: 'kBufferGen', callback: 'kBufferCb' } as const;

/** Lets `socket` read as TcpLink does, in two thirds of the time. @returns false, if this node cannot do that */
function read_directly(socket: TLSSocket, { buffer, callback }: OnRead): boolean {
  const known = Object.getOwnPropertySymbols(socket);
  const key_of = (name: string) => known.find(({ description }) => description === name);
  const [at_buffer, at_make, at_callback] = [ONREAD.buffer, ONREAD.make_buffer, ONREAD.callback].map(key_of);
  // biome-ignore lint/style/useNamingConvention: node's names
  const handle = (socket as unknown as { _handle?: { useUserBuffer?: (buffer: Uint8Array) => void } })
    ._handle;
  if (at_buffer === undefined || at_make === undefined || at_callback === undefined) return false;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  const first = buffer();
  Object.assign(socket, { [at_buffer]: first, [at_make]: buffer, [at_callback]: callback });
  handle.useUserBuffer(first);
  return true;
}

export class TlsLink extends TcpLink {
  /** What is said of a peer that has another key. */
  readonly #other_key: string;
  #is_secure = false;

  private constructor(peer: string, other_key: string, make: (onread: OnRead) => TLSSocket) {
    let socket: TLSSocket | undefined;
    super(peer, (onread) => {
      socket = make(onread);
      return socket;
    });
    this.#other_key = other_key;
    socket?.once('secure', () => {
      this.#is_secure = true;
    });
  }

  /** Dials. `on_connect` is called when both sides have proved that they know the secret. */
  static dial_tls(host: string, port: number, secret: Buffer, on_connect: () => void): TlsLink {
    const other_key =
      'the master there does not know the secret of this job: it is the master of another one';
    return new TlsLink(`${host}:${port}`, other_key, (onread) => {
      const options = {
        ...TLS_OPTIONS,
        host,
        port,
        // node's types know of a buffer, its documentation also of a function that returns one
        onread: onread as unknown as { buffer: Uint8Array; callback: () => boolean },
        pskCallback: client_psk(secret),
        // nobody has a certificate: the key proves who is there
        checkServerIdentity: () => undefined,
      };
      return connect(options, on_connect);
    });
  }

  /** Takes over a socket that a server accepted with `pauseOnConnect`. */
  static accept_tls(accepted: Socket, secret: Buffer): TlsLink {
    const peer = `${accepted.remoteAddress}:${accepted.remotePort}`;
    context ??= createSecureContext(TLS_OPTIONS);
    const options = { isServer: true, secureContext: context, pskCallback: server_psk(secret) };
    const other_key = 'a client did not prove that it knows the secret of this job';
    let is_direct = false;
    const link = new TlsLink(peer, other_key, (onread) => {
      const socket = new TLSSocket(accepted, options);
      is_direct = read_directly(socket, onread);
      // of what is wrong after the handshake node tells its own tls.Server only: the link would be dead and nobody would know
      socket.on('_tlsError', (error: Error) => socket.destroy(error));
      return socket;
    });
    if (!is_direct) link.read_events();
    return link;
  }

  /** An end in the handshake is told in our words. */
  protected override explain(error: Error): Error {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (CERTIFICATE.test(code))
      return new HandshakeError(
        'stranger',
        'something else than a parjob master answers there: it shows a certificate',
      );
    if (this.#is_secure || !code.startsWith('ERR_SSL')) return error;
    if (OTHER_KEY.test(code)) return new HandshakeError('bad_secret', this.#other_key);
    return new HandshakeError('stranger', `the peer does not speak TLS 1.3 as parjob does (${code})`);
  }
}
