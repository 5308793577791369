/** The proxy forwards what it gets, and does to connections what it is told. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawClient, RawServer } from '../kit/raw_client.js';
import { wait_until } from '../kit/wait_until.js';
import { type ProxiedConnection, TcpProxy } from './tcp_proxy.js';

/** The hello of the pulse of slave 7, launched for the third time. */
const HEAD = Buffer.from([0x50, 0x4a, 0x4f, 0x42, 0, 1, 1, 0, 0, 0, 0, 7, 0, 0, 0, 2]);

let proxy: TcpProxy;
let server: RawServer;
let received: Buffer;

beforeEach(async () => {
  received = Buffer.alloc(0);
  proxy = new TcpProxy();
  await proxy.listen();
  server = new RawServer((socket) => {
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      socket.write(bytes);
    });
  });
  proxy.target = await server.listen();
});

afterEach(async () => {
  server.close();
  await proxy.close();
});

async function connected(): Promise<[RawClient, ProxiedConnection]> {
  const client = new RawClient(proxy.port);
  client.socket.write(HEAD);
  await wait_until(() => client.received.length === HEAD.length, 'the echo');
  return [client, [...proxy.connections][0] as ProxiedConnection];
}

describe('a proxied connection', () => {
  it('carries megabytes both ways, unchanged, and says whose it is', async () => {
    const [client, connection] = await connected();
    expect(connection.peer).toEqual({ role: 'pulse', slave_id: 7, launch: 2 });
    const bytes = Buffer.alloc(5_000_000, 'parjob');
    client.socket.write(bytes);
    await wait_until(() => client.received.length === HEAD.length + bytes.length, 'all of it');
    expect(client.received.subarray(HEAD.length).equals(bytes)).toBe(true);
    client.socket.end();
    await wait_until(() => client.is_closed && proxy.connections.size === 0, 'the end');
  });

  it.each(['rst', 'fin'] as const)('is cut by %s at both ends', async (how) => {
    const [client, connection] = await connected();
    connection.cut(how);
    await wait_until(() => client.is_closed && server.sockets[0]?.destroyed === true, 'both ends closed');
    expect(proxy.connections.size).toBe(0);
  });

  it('carries nothing while it is frozen, in that direction, and all of it afterwards', async () => {
    const [client, connection] = await connected();
    connection.freeze('to_slave');
    client.socket.write('abc');
    await wait_until(() => received.length === HEAD.length + 3, 'the way to the master');
    expect(client.received).toHaveLength(HEAD.length);
    connection.freeze('to_master');
    client.socket.write('def');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toHaveLength(HEAD.length + 3);
    connection.heal();
    await wait_until(() => client.received.length === HEAD.length + 6, 'what was held back');
    expect(client.is_closed).toBe(false);
  });

  it('tells nobody of an end while it is frozen', async () => {
    const [client, connection] = await connected();
    connection.freeze();
    client.socket.resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.sockets[0]?.destroyed).toBe(false);
  });

  it('is as slow and as late as it was made, loses nothing, and is fast again when healed', async () => {
    const [client, connection] = await connected();
    connection.slow({ delay: 40, bytes_per_second: 100_000 });
    const began_at = performance.now();
    client.socket.write(Buffer.alloc(10_000, 'x'));
    await wait_until(() => client.received.length === HEAD.length + 10_000, 'slow bytes');
    // 10,000 bytes at 100,000 a second, twice the delay
    expect(performance.now() - began_at).toBeGreaterThan(150);
    client.socket.write(Buffer.alloc(1_000_000, 'y'));
    await wait_until(() => received.length > HEAD.length + 10_000, 'the first of many');
    connection.heal();
    await wait_until(() => client.received.length === HEAD.length + 1_010_000, 'fast bytes');
  });
});

describe('a proxy without a master', () => {
  it('keeps connections until there is one', async () => {
    const { target } = { target: server.sockets.length };
    proxy.target = undefined;
    const client = new RawClient(proxy.port);
    client.socket.write(HEAD);
    await wait_until(() => client.is_connected && proxy.connections.size === 1, 'a connection that waits');
    expect(server.sockets).toHaveLength(target);
    proxy.target = (server.server.address() as { port: number }).port;
    await wait_until(() => client.received.length === HEAD.length, 'the echo');
  });

  it('refuses connections while it is told to, and takes them again at the same port', async () => {
    const { port } = proxy;
    proxy.refuse();
    const refused = new RawClient(port);
    await wait_until(() => refused.is_closed, 'a refusal');
    expect(refused.is_connected).toBe(false);
    await proxy.listen();
    expect(proxy.port).toBe(port);
    proxy.target = (server.server.address() as { port: number }).port;
    await connected();
  });
});
