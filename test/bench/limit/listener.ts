/**
 * The listening side of the bare loop: accepts sockets and has them read into one static buffer.
 *
 * `onread` spares a buffer per read, but node:net offers it to the connecting side only. An accepted socket is wrapped
 * once more around its handle to get it; where there is no handle to wrap, 'data' events do.
 */
import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';

const READ_BYTES = 256 * 1024;

/** What to do with bytes: the first `length` of `buffer` are valid, and only during the call. */
export type OnBytes = (buffer: Buffer, length: number) => void;

interface HandleOptions extends SocketConstructorOpts {
  handle: object;
  onread: { buffer: Buffer; callback: (length: number, buffer: Buffer) => boolean };
}

/** Listens on a free port of the loopback; `on_socket` gets each socket and says what to do with its bytes. */
export async function listen(
  on_socket: (socket: Socket) => OnBytes,
): Promise<{ server: Server; port: number }> {
  const read_buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    let on_bytes: OnBytes;
    const handle: object | undefined = Reflect.get(accepted, '_handle');
    if (handle === undefined) {
      on_bytes = on_socket(accepted);
      accepted.on('data', (chunk: Buffer) => on_bytes(chunk, chunk.length));
      accepted.resume();
      return;
    }
    const options: HandleOptions = {
      handle,
      onread: {
        buffer: read_buffer,
        callback: (length, buffer) => {
          on_bytes(buffer, length);
          return true;
        },
      },
    };
    const socket = new Socket(options);
    on_bytes = on_socket(socket);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}
