// The other end of tls_pipe.ts: writes what comes to a file, and ends.
const { createWriteStream } = require('node:fs');
const { pipeline } = require('node:stream/promises');
const { createServer } = require('node:tls');

const server = createServer(
  {
    ciphers: 'TLS_AES_128_GCM_SHA256',
    minVersion: 'TLSv1.3',
    pskCallback: () => Buffer.alloc(32, 1),
  },
  async (socket) => {
    await pipeline(socket, createWriteStream(process.argv[2], { highWaterMark: 1024 * 1024 }));
    process.exit(0);
  },
);
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
