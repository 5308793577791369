/** Clients that are no slaves: noise, half a hello, HTTP, TLS, silence, a crowd, and those that leave at once. */
import { connect, type Socket } from 'node:net';
import type { Random } from '../random.js';
import { type Fault, never } from './fault.js';

const WORDS: readonly {
  name: string;
  clients: number;
  words: (random: Random) => Buffer;
  leaves: boolean;
}[] = [
  { name: 'noise', clients: 3, words: (random) => random.bytes(random.integer(1, 100_000)), leaves: false },
  { name: 'silence', clients: 5, words: () => Buffer.alloc(0), leaves: false },
  { name: 'a crowd', clients: 150, words: () => Buffer.from('PJOB'), leaves: false },
  { name: 'scan', clients: 20, words: () => Buffer.alloc(0), leaves: true },
  { name: 'half a hello', clients: 3, words: () => half_hello(), leaves: true },
  { name: 'a lying hello', clients: 3, words: (random) => lying_hello(random), leaves: false },
  { name: 'HTTP', clients: 2, words: () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), leaves: false },
  { name: 'TLS', clients: 2, words: (random) => tls_hello(random), leaves: false },
];

/** As a slave's, but for the proof. */
function lying_hello(random: Random): Buffer {
  const hello = Buffer.concat([half_hello(), random.bytes(36), random.bytes(32)]);
  hello.writeUInt32BE(random.integer(0, 5), 8);
  return hello;
}

function half_hello(): Buffer {
  return Buffer.from([0x50, 0x4a, 0x4f, 0x42, 0, 1, 0, 0, 0, 0, 0, 0]);
}

function tls_hello(random: Random): Buffer {
  return Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]), random.bytes(194)]);
}

export const garbage_client: Fault = {
  name: 'garbage_client',
  weight: 1,
  impossible: never,
  strike(world, random) {
    const { port } = world;
    if (port === undefined) return undefined;
    const { name, clients, words, leaves } = random.pick(WORDS);
    const sockets: Socket[] = [];
    for (let i = 0; i < clients; i++) {
      const said = words(random);
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(said);
        if (leaves) socket.destroy();
      });
      socket.on('error', () => {});
      sockets.push(socket);
    }
    world.mend_after(random.integer(100, 4000), () => {
      for (const socket of sockets) socket.destroy();
    });
    return `${name}, ${clients} at port ${port}`;
  },
};
