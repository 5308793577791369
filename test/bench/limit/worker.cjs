/**
 * A worker of the bare loop, or many of them in one process: `node worker.cjs <port> <connections> <mode>`.
 *
 * Each connection is a worker of its own. In mode `tasks` a frame is `[kind, argument, argument, ...]` and is answered
 * by `[result, result, ...]`, in order, in one frame or more; in mode `frames` a body is sent back as it came.
 * There is nothing else: no names of modules, no errors, no heartbeats. It ends when the master closes a connection.
 */
'use strict';

const net = require('node:net');
const { Codec } = require('./codec.cjs');
const { FrameReader, write_frame } = require('./frames.cjs');

const READ_BYTES = 64 * 1024;
const SLAB_BYTES = 64 * 1024;
const SLAB_BYTES_OF_MANY = 4 * 1024;
/** Results are not held back longer than this while there are tasks to run. */
const HOLD_MS = 2;

const TASKS = {
  noop: (arg) => arg.i,
  echo: (arg) => arg,
  busy: (ms) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return ms;
  },
};

const [port, connections, mode] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];

/** One for all connections: it is decoded before the next read. */
const read_buffer = Buffer.allocUnsafeSlow(READ_BYTES);

function connect(on_readable) {
  let reader;
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: read_buffer,
      callback: (length, buffer) => {
        reader(length, buffer);
        return true;
      },
    },
  });
  reader = on_readable(socket);
  socket.on('close', () => process.exit());
  socket.on('error', () => process.exit());
}

function serve_tasks(socket) {
  const codec = new Codec(connections > 8 ? SLAB_BYTES_OF_MANY : SLAB_BYTES);
  let results = [];
  let flushed_at = 0;
  const flush = () => {
    codec.write(socket, results);
    results = [];
  };
  const frames = new FrameReader((source, start, end) => {
    const batch = codec.read(source, start, end);
    const task = TASKS[batch[0]];
    for (let j = 1; j < batch.length; j++) {
      results.push(task(batch[j]));
      const now = performance.now();
      if (now - flushed_at > HOLD_MS) {
        flush();
        flushed_at = now;
      }
    }
  });
  return (length, buffer) => {
    flushed_at = performance.now();
    frames.read(buffer, length);
    if (results.length > 0) flush();
  };
}

function serve_frames(socket) {
  const frames = new FrameReader((source, start, end) => {
    write_frame(socket, source === read_buffer ? Buffer.from(source.subarray(start, end)) : source);
  });
  return (length, buffer) => frames.read(buffer, length);
}

for (let j = 0; j < connections; j++) connect(mode === 'frames' ? serve_frames : serve_tasks);
