/** TCP pairs: two TcpLinks that are each other's peer, on this machine. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TcpLink } from '../../src/net/tcp_link.js';

/** @param hides_handle make the accepting end believe that this node has no `onread` for it */
export async function tcp_pair(hides_handle = false): Promise<[TcpLink, TcpLink]> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrival = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const dialled = await new Promise<TcpLink>((resolve, reject) => {
    const link = TcpLink.dial('127.0.0.1', port, () => resolve(link));
    link.on_close = (error) => reject(error);
  });
  dialled.on_close = undefined;
  const [socket] = await arrival;
  server.close();
  return [hides_handle ? accept_without_handle(socket) : TcpLink.accept(socket), dialled];
}

function accept_without_handle(socket: Socket): TcpLink {
  // an own property hides what node's prototype has, until it is deleted
  Object.defineProperty(socket, '_handle', { value: undefined, configurable: true });
  const link = TcpLink.accept(socket);
  Reflect.deleteProperty(socket, '_handle');
  return link;
}
