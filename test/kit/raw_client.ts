/** Raw clients and servers: TCP ends that speak no protocol of ours, or not all of it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A connection whose bytes are gathered. */
export class RawClient {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  is_connected = false;
  is_closed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('connect', () => {
      this.is_connected = true;
    });
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    // a reset ends in 'close' like any other end
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.is_closed = true;
    });
  }
}

/** A server that does with each connection as it is told. */
export class RawServer {
  readonly server: Server;
  readonly sockets: Socket[] = [];

  constructor(serve: (socket: Socket) => void) {
    this.server = createServer((socket) => {
      this.sockets.push(socket);
      socket.on('error', () => {});
      serve(socket);
    });
  }

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** A port on which nothing listens. */
export async function free_port(): Promise<number> {
  const server = new RawServer(() => {});
  const port = await server.listen();
  server.close();
  await once(server.server, 'close');
  return port;
}
