import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { client_psk, TLS_OPTIONS } from '../../src/net/psk.js';
import { TlsLink } from '../../src/net/tls_link.js';
import { HandshakeError } from '../../src/wire/hello.js';
import { link_contract, same_buffer_contract } from '../contract/link.contract.js';
import { wait_until } from '../kit/wait_until.js';

const SECRET = randomBytes(32);
const servers: Server[] = [];
const sockets: { destroy(): unknown }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A port at which `accept` gets who comes. */
async function door(accept: (socket: Socket) => void): Promise<number> {
  const server = createServer({ pauseOnConnect: true }, accept).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function tls_pair(): Promise<[TlsLink, TlsLink]> {
  let accepted: TlsLink | undefined;
  const port = await door((socket) => {
    accepted = TlsLink.accept_tls(socket, SECRET);
  });
  const dialled = await new Promise<TlsLink>((resolve, reject) => {
    const link = TlsLink.dial_tls('127.0.0.1', port, SECRET, () => resolve(link));
    link.on_close = (error) => reject(error);
  });
  dialled.on_close = undefined;
  return [accepted as TlsLink, dialled];
}

link_contract('the accepting end of TLS', () => tls_pair());

link_contract('the dialling end of TLS', async () => {
  const [accepting, dialling] = await tls_pair();
  return [dialling, accepting];
});

same_buffer_contract('TLS', tls_pair);

/** What an end is told of its end, when it comes. */
function end_of(link: TlsLink): { error: Error | undefined; has_come: boolean } {
  const end = { error: undefined as Error | undefined, has_come: false };
  link.on_close = (error) => {
    end.error = error;
    end.has_come = true;
  };
  return end;
}

/** Dials a door of TlsLink with that secret; what both ends are told. */
async function meet(
  secret: Buffer,
): Promise<{ at_door: Error | undefined; at_dialler: Error | undefined; connected: number }> {
  let at_door: ReturnType<typeof end_of> | undefined;
  const port = await door((socket) => {
    at_door = end_of(TlsLink.accept_tls(socket, SECRET));
  });
  let connected = 0;
  const at_dialler = end_of(TlsLink.dial_tls('127.0.0.1', port, secret, () => connected++));
  await wait_until(() => at_dialler.has_come && at_door?.has_come === true, 'the end of both');
  return { at_door: at_door?.error, at_dialler: at_dialler.error, connected };
}

describe('an encrypted link', () => {
  it('is not made between two that have different secrets, and each says so', async () => {
    const { at_door, at_dialler, connected } = await meet(randomBytes(32));
    expect(connected).toBe(0);
    expect(at_dialler).toBeInstanceOf(HandshakeError);
    expect(at_dialler).toMatchObject({ refusal: 'bad_secret' });
    expect(at_dialler?.message).toContain('the master there does not know the secret of this job');
    expect(at_door).toMatchObject({ refusal: 'bad_secret' });
    expect(at_door?.message).toContain('a client did not prove that it knows the secret of this job');
  });

  it('turns away a client that does not speak TLS', async () => {
    let at_door: ReturnType<typeof end_of> | undefined;
    const port = await door((socket) => {
      at_door = end_of(TlsLink.accept_tls(socket, SECRET));
    });
    const client = connect(port, '127.0.0.1');
    sockets.push(client);
    client.on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20));
    await wait_until(() => at_door?.has_come === true, 'the end of the link');
    expect(at_door?.error).toMatchObject({ refusal: 'stranger' });
    expect(at_door?.error?.message).toMatch(/does not speak TLS 1\.3 as parjob does \(ERR_SSL_\w+\)/);
  });

  it.each([
    ['another version', { maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256' }],
    ['no key, as a browser', { ciphers: TLS_OPTIONS.ciphers, pskCallback: undefined }],
    ['another identity', { ...TLS_OPTIONS, identity: 'somebody' }],
  ] as const)('turns away a client of TLS that has %s', async (_what, options) => {
    let at_door: ReturnType<typeof end_of> | undefined;
    const port = await door((socket) => {
      at_door = end_of(TlsLink.accept_tls(socket, SECRET));
    });
    const psk = client_psk(SECRET)();
    const identity = 'identity' in options ? options.identity : psk.identity;
    let connected = 0;
    const client = tlsConnect(
      {
        ...{ host: '127.0.0.1', port, rejectUnauthorized: false, checkServerIdentity: () => undefined },
        pskCallback: () => ({ ...psk, identity }),
        ...options,
      } as Parameters<typeof tlsConnect>[0] & object,
      () => connected++,
    );
    sockets.push(client);
    client.on('error', () => {});
    await wait_until(() => at_door?.has_come === true, 'the end of the link');
    expect(at_door?.error).toBeInstanceOf(HandshakeError);
    expect(connected).toBe(0);
  });

  it('does not take a server that speaks something else for the master', async () => {
    const port = await door((socket) => {
      socket.on('error', () => {});
      socket.end('220 mail.example.org ESMTP\r\n');
      socket.resume();
    });
    const end = end_of(TlsLink.dial_tls('127.0.0.1', port, SECRET, () => {}));
    await wait_until(() => end.has_come, 'the end of the link');
    expect(end.error).toMatchObject({ refusal: 'stranger' });
  });

  it('carries nothing that can be read, and ends when a byte of it is changed', async () => {
    const seen: Buffer[] = [];
    let changes = false;
    const arrived: string[] = [];
    let at_door: ReturnType<typeof end_of> | undefined;
    const inner = await door((socket) => {
      const link = TlsLink.accept_tls(socket, SECRET);
      link.read_with({ push: (bytes, end) => void arrived.push(bytes.toString('latin1', 0, end)) });
      at_door = end_of(link);
    });
    const outer = await door((socket) => {
      const onward = connect(inner, '127.0.0.1');
      sockets.push(socket, onward);
      for (const one of [socket, onward]) one.on('error', () => {});
      onward.pipe(socket);
      socket.on('data', (bytes: Buffer) => {
        seen.push(Buffer.from(bytes));
        if (changes) bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
        onward.write(bytes);
      });
      socket.on('close', () => onward.destroy());
      socket.resume();
    });
    const link = await new Promise<TlsLink>((resolve) => {
      const dialled = TlsLink.dial_tls('127.0.0.1', outer, SECRET, () => resolve(dialled));
    });
    link.send([Buffer.from('the first words')]);
    await wait_until(() => arrived.join('') === 'the first words', 'the first words');
    expect(Buffer.concat(seen).includes('first words')).toBe(false);
    expect(Buffer.concat(seen).includes(SECRET)).toBe(false);
    changes = true;
    link.on_close = () => {};
    link.send([Buffer.from('the next words')]);
    await wait_until(() => at_door?.has_come === true, 'the end of the link');
    link.destroy();
    expect(arrived.join('')).toBe('the first words');
    expect(at_door?.error).toBeInstanceOf(Error);
  });

  it('says when nobody listens there', async () => {
    const port = await door(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const end = end_of(TlsLink.dial_tls('127.0.0.1', port, SECRET, () => {}));
    await wait_until(() => end.has_come, 'the end of the link');
    expect(end.error).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
