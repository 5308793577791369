import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { TcpLink } from '../../src/net/tcp_link.js';
import { link_contract, same_buffer_contract } from '../contract/link.contract.js';
import { tcp_pair } from '../kit/tcp_pair.js';
import { wait_until } from '../kit/wait_until.js';

link_contract('the accepting end of TCP', () => tcp_pair());

link_contract('the dialling end of TCP', async () => {
  const [accepting, dialling] = await tcp_pair();
  return [dialling, accepting];
});

link_contract('the accepting end of TCP where node reads by events only', async () => {
  const [accepting, dialling] = await tcp_pair(true);
  return [dialling, accepting];
});

describe('a TcpLink that dials', () => {
  it('ends with the reason when nothing listens there', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const ends: (Error | undefined)[] = [];
    let connected = 0;
    const link = TcpLink.dial('127.0.0.1', port, () => connected++);
    link.on_close = (error) => ends.push(error);
    await wait_until(() => ends.length > 0, 'the end of the link');
    expect(ends).toMatchObject([{ code: 'ECONNREFUSED' }]);
    expect(connected).toBe(0);
    expect(link.is_closed).toBe(true);
    expect(link.peer).toBe(`127.0.0.1:${port}`);
  });
});

same_buffer_contract('TCP', tcp_pair);

describe('a TcpLink', () => {
  it.each(['accepting', 'dialling'])(
    'reads straight into the destination of its reader at the %s end',
    async (end) => {
      const pair = await tcp_pair();
      const [here, there] = end === 'accepting' ? pair : pair.toReversed();
      const place = Buffer.alloc(100_000);
      let [pushed, placed] = [0, 0];
      here?.read_with({
        get destination() {
          return pushed === 0 ? undefined : place.subarray(placed);
        },
        push: (_bytes, end) => {
          pushed += end;
        },
        filled: (count) => {
          placed += count;
        },
      });
      there?.send([Buffer.from('head')]);
      await wait_until(() => pushed === 4, 'the head');
      there?.send([Buffer.alloc(100_000, 'x')]);
      await wait_until(() => placed === 100_000, 'the rest');
      for (const link of pair) link.destroy();
      expect(pushed).toBe(4);
      expect(place.equals(Buffer.alloc(100_000, 'x'))).toBe(true);
    },
  );

  it.each(['accepting', 'dialling'])('keeps a quiet connection alive at the %s end', async (end) => {
    const set = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const pair = await tcp_pair();
    // of the two sockets one dials, and one takes over what the server accepted
    const is_dialling = (socket: unknown) =>
      (socket as Socket).remotePort === Number(pair[1].peer.split(':')[1]);
    const calls = set.mock.calls.filter((_, i) => is_dialling(set.mock.contexts[i]) === (end === 'dialling'));
    set.mockRestore();
    for (const link of pair) link.destroy();
    expect(calls).toEqual([[true, 30_000]]);
  });

  it('is not disturbed by what its process reads from other links in between', async () => {
    const pairs = await Promise.all(Array.from({ length: 5 }, () => tcp_pair()));
    const received = pairs.map(() => '');
    for (const [i, [accepting]] of pairs.entries()) {
      accepting.read_with({
        push: (bytes, end) => {
          received[i] += bytes.toString('latin1', 0, end);
        },
      });
    }
    for (let round = 0; round < 20; round++)
      for (const [i, [, dialling]] of pairs.entries()) dialling.send([Buffer.from(`${i}:${round} `)]);
    const expected = pairs.map((_, i) => Array.from({ length: 20 }, (_, round) => `${i}:${round} `).join(''));
    await wait_until(
      () => received.every((text, i) => text.length >= (expected[i] ?? '').length),
      'all of it',
    );
    for (const link of pairs.flat()) link.destroy();
    expect(received).toEqual(expected);
  });
});
