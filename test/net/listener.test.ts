import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NetworkError } from '../../src/errors.js';
import type { Link } from '../../src/net/link.js';
import { HANDSHAKE_TIMEOUT, Listener, pending_places } from '../../src/net/listener.js';
import { HandshakeError, type Identity, SECRET_BYTES, SlaveHandshake } from '../../src/wire/hello.js';
import { secret } from '../kit/handshake.js';
import { RawClient, RawServer } from '../kit/raw_client.js';
import { turn, wait_until } from '../kit/wait_until.js';

interface Accepted {
  identity: Identity;
  link: Link;
  rest: string;
}

/** Less than in earnest, where each of a crowd would take a descriptor at both ends. */
const MAX_PENDING = 512;

let listener: Listener;
let accepted: Accepted[];
let refused: Error[];
let clients: RawClient[];
let began: number;

beforeEach(async () => {
  began = performance.now();
  [accepted, refused, clients] = [[], [], []];
  const knows = () => true;
  const on_accept = (identity: Identity, link: Link, rest: Buffer) =>
    accepted.push({ identity, link, rest: rest.toString('latin1') });
  const on_refuse = (_peer: string, reason: Error) => refused.push(reason);
  listener = new Listener(secret, { knows, on_accept, on_refuse }, MAX_PENDING);
  await listener.listen('127.0.0.1', 0, 0);
});
afterEach(() => {
  vi.useRealTimers();
  listener.close();
  for (const { link } of accepted) link.destroy();
  for (const client of clients) client.socket.destroy();
});

function client(): RawClient {
  const made = new RawClient(listener.port);
  clients.push(made);
  return made;
}

/** A slave that shakes hands, and says `rest` with its proof. */
function slave(slave_id: number, its_secret = secret, rest = ''): RawClient {
  const handshake = new SlaveHandshake(its_secret, { slave_id, launch: 0, role: 'main', is_resuming: false });
  const made = client();
  made.socket.write(handshake.hello);
  made.socket.on('data', (bytes) => {
    const { reply } = handshake.push(bytes);
    if (reply !== undefined) made.socket.write(Buffer.concat([reply, Buffer.from(rest)]));
  });
  return made;
}

/** Accepts are in the order of the connections: whoever came before has been met when this returns. */
async function slave_is_accepted(slave_id = 99): Promise<void> {
  slave(slave_id);
  await wait_until(
    () => accepted.some(({ identity }) => identity.slave_id === slave_id),
    `slave ${slave_id}`,
  );
}

describe('a listener', () => {
  it('hands on who has proved itself, with what came with the proof', async () => {
    slave(7, secret, 'and a frame');
    await wait_until(() => accepted.length === 1, 'the slave');
    expect(accepted[0]).toMatchObject({
      identity: { slave_id: 7, launch: 0, role: 'main', is_resuming: false },
      rest: 'and a frame',
    });
    expect(refused).toEqual([]);
  });

  it('hands on a link that works both ways', async () => {
    const far = slave(1);
    await wait_until(() => accepted.length === 1, 'the slave');
    let received = '';
    accepted[0]?.link.read_with({
      push: (bytes, end) => {
        received += bytes.toString('latin1', 0, end);
      },
    });
    const said = far.received.length;
    accepted[0]?.link.send([Buffer.from('order')]);
    far.socket.write('report');
    await wait_until(() => received === 'report' && far.received.length === said + 5, 'both');
    expect(far.received.toString('latin1', said)).toBe('order');
  });

  it('accepts many slaves at a time, among as many clients that are none', async () => {
    for (let i = 0; i < 40; i++) {
      slave(i);
      client().socket.end(randomBytes(100));
    }
    await wait_until(() => accepted.length === 40 && refused.length > 0, 'all of them');
    expect(accepted.map(({ identity }) => identity.slave_id).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  it('tells of no more than ten refusals in a second', async () => {
    for (let i = 0; i < 60; i++) client().socket.end(randomBytes(100));
    await slave_is_accepted();
    const seconds = 1 + Math.ceil((performance.now() - began) / 1000);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(10 * seconds);
  });

  it('turns away a slave with another secret, and one that speaks another protocol, with the reason', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // a slave with the wrong secret would hang up; this one guesses
    const guesser = client();
    guesser.socket.write(
      new SlaveHandshake(randomBytes(SECRET_BYTES), {
        slave_id: 1,
        launch: 0,
        role: 'main',
        is_resuming: false,
      }).hello,
    );
    guesser.socket.write(randomBytes(32));
    const stranger = client();
    stranger.socket.write(`GET / HTTP/1.1\r\nHost: node7\r\n\r\n${' '.repeat(60)}`);
    await wait_until(() => refused.length === 2, 'two refusals');
    // they are held, so that they are not back at once, and let go when their time is over
    expect([guesser.is_closed, stranger.is_closed]).toEqual([false, false]);
    vi.advanceTimersByTime(HANDSHAKE_TIMEOUT);
    await wait_until(() => guesser.is_closed && stranger.is_closed, 'the end of both');
    expect(refused.map((reason) => (reason as HandshakeError).refusal).toSorted()).toEqual([
      'bad_secret',
      'stranger',
    ]);
    expect(stranger.received).toHaveLength(0);
    expect(accepted).toEqual([]);
  });

  it('tells a slave of another version which version it speaks, before it hangs up at once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const handshake = new SlaveHandshake(secret, {
      slave_id: 1,
      launch: 0,
      role: 'main',
      is_resuming: false,
    });
    const hello = Buffer.from(handshake.hello);
    hello.writeUInt16BE(999, 4);
    const old = client();
    old.socket.write(hello);
    await wait_until(() => old.is_closed, 'the end');
    expect(handshake.push(old.received).refused).toMatchObject({ refusal: 'version_differs' });
    expect(refused).toMatchObject([{ refusal: 'version_differs' }]);
    expect(refused[0]).toBeInstanceOf(HandshakeError);
  });

  it('is not disturbed by clients that leave in the handshake, in good order or not', async () => {
    const hello = new SlaveHandshake(secret, { slave_id: 1, launch: 0, role: 'main', is_resuming: false })
      .hello;
    for (const part of [0, 20, 48]) {
      client().socket.end(hello.subarray(0, part));
      const rude = client();
      rude.socket.write(hello.subarray(0, part), () => rude.socket.resetAndDestroy());
    }
    await slave_is_accepted();
    await wait_until(() => refused.length === 6, 'six refusals');
    for (const reason of refused) expect(reason).toBeInstanceOf(Error);
    expect(accepted).toHaveLength(1);
  });

  it('drops a client that is silent, or does not come to an end, after its time and no sooner', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [silent, slow] = [client(), client()];
    slow.socket.write(
      new SlaveHandshake(secret, { slave_id: 1, launch: 0, role: 'main', is_resuming: false }).hello,
    );
    await slave_is_accepted();
    await wait_until(() => slow.received.length > 0, 'the challenge');
    vi.advanceTimersByTime(HANDSHAKE_TIMEOUT - 1);
    for (let i = 0; i < 5; i++) await turn();
    expect(refused).toEqual([]);
    vi.advanceTimersByTime(1);
    await wait_until(() => silent.is_closed && slow.is_closed, 'the end of both');
    expect(refused.map(({ message }) => message)).toEqual(
      Array(2).fill('a client was silent in the handshake'),
    );
    // and the slave that was accepted has no such time
    vi.advanceTimersByTime(10 * HANDSHAKE_TIMEOUT);
    expect(accepted[0]?.link.is_closed).toBe(false);
  });

  it('lets go of a client that it refused and that does not hang up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stubborn = client();
    stubborn.socket.allowHalfOpen = true;
    stubborn.socket.write(Buffer.alloc(48));
    await wait_until(() => refused.length === 1, 'the refusal');
    vi.advanceTimersByTime(5000);
    await wait_until(() => {
      if (!stubborn.is_closed) stubborn.socket.write('still here');
      return stubborn.is_closed;
    }, 'the end');
    expect(refused).toHaveLength(1);
  });

  it('keeps no more than so many clients that have proved nothing, even when they come at once', async () => {
    const come = async (count: number) => {
      const crowd = Array.from({ length: count }, client);
      await wait_until(() => crowd.every(({ is_connected }) => is_connected), `${count} connections`);
    };
    await come(450);
    await slave_is_accepted(1);
    expect(refused).toEqual([]);
    await come(150);
    await slave_is_accepted(2);
    const dropped = () => clients.filter(({ is_closed }) => is_closed).length;
    await wait_until(() => dropped() >= 600 - MAX_PENDING, 'the first of them being dropped', 2000);
    expect(clients[0]?.is_closed).toBe(true);
    expect(clients.at(-2)?.is_closed).toBe(false);
  });

  it('takes no one in after its end, drops who has proved nothing, and keeps who has', async () => {
    const pending = client();
    await slave_is_accepted();
    listener.close();
    await wait_until(() => pending.is_closed, 'the end of the pending client');
    const late = client();
    await wait_until(() => late.is_closed, 'a refused connection');
    expect(late.is_connected).toBe(false);
    expect(accepted[0]?.link.is_closed).toBe(false);
  });
});

describe('the port of a listener', () => {
  let others: RawServer[];
  let second: Listener;

  beforeEach(() => {
    others = [];
    second = new Listener(secret, { knows: () => true, on_accept: () => {}, on_refuse: () => {} });
  });
  afterEach(() => {
    second.close();
    for (const other of others) other.close();
  });

  /** The first of two neighbouring ports that are taken. */
  async function two_taken_ports(): Promise<number> {
    for (;;) {
      const [first, next] = [new RawServer(() => {}), new RawServer(() => {})];
      others.push(first, next);
      const port = await first.listen();
      const is_taken = await next.listen(port + 1).then(
        () => true,
        () => false,
      );
      if (is_taken) return port;
    }
  }

  it('is the first of the range that is free', async () => {
    const port = await two_taken_ports();
    await second.listen('127.0.0.1', port, port + 30);
    expect(second.port).toBeGreaterThan(port + 1);
    expect(second.port).toBeLessThanOrEqual(port + 30);
  });

  it.each([0, 1])('gives an error that names host and ports when all are taken', async (more) => {
    const port = await two_taken_ports();
    const failure = second.listen('127.0.0.1', port, port + more);
    const ports = more === 0 ? `port ${port}` : `ports ${port} to ${port + 1}`;
    await expect(failure).rejects.toBeInstanceOf(NetworkError);
    await expect(failure).rejects.toThrow(`the master cannot listen on 127.0.0.1, ${ports}: `);
    await expect(failure).rejects.toThrow('another program holds it');
    await expect(failure).rejects.toMatchObject({ cause: { code: 'EADDRINUSE' } });
  });

  it('is not looked for when the host is none of this machine', async () => {
    const failure = second.listen('192.0.2.1', 20_000, 60_000);
    await expect(failure).rejects.toBeInstanceOf(NetworkError);
    await expect(failure).rejects.toThrow('give the option host a name or address of this machine');
  });

  it('can be another one after the first was taken', async () => {
    await expect(second.listen('127.0.0.1', listener.port, listener.port)).rejects.toBeInstanceOf(
      NetworkError,
    );
    await second.listen('127.0.0.1', 0, 0);
    const far = new RawClient(second.port);
    await once(far.socket, 'connect');
    far.socket.destroy();
    expect(second.port).not.toBe(listener.port);
  });
});

describe('the places for strangers', () => {
  it.each([
    ['Max open files            1024                 1024                 files', 512],
    ['Max open files            1024                 524288               files', 2048],
    ['Max open files            unlimited            unlimited            files', 2048],
    ['', 2048],
  ])('leave half of the descriptors to others: %s', (line, places) => {
    expect(pending_places(`Limit Soft Limit Hard Limit Units\n${line}\nMax locked memory 1 1 bytes\n`)).toBe(
      places,
    );
  });
});
