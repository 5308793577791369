/**
 * ssh of OpenSSH 9 without a network: the "node" is this machine. What a node is like stands in hosts.json:
 *
 *     { "node1": {}, "down": { "exit_code": 255, "stderr": "..." }, "bare": { "path": "/nowhere", "replace": [["/a", "/b"]] } }
 */
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { argv, begin, end, options_of, read } from './state.js';

const { unknown, options, rest } = options_of(argv, { '-o': 1, '-R': 1, '-p': 1, '-q': 0 });
await begin();
if (unknown !== undefined)
  end(255, { stderr: `unknown option -- ${unknown.slice(1)}\nusage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] ...\n` });
const [name, ...words] = rest;
const hosts = JSON.parse(read('hosts.json') ?? '{}');
const host = hosts[name.replace(/^.*@/, '')];
if (host === undefined)
  end(255, { stderr: `ssh: Could not resolve hostname ${name}: Name or service not known\n` });
if (host.slow_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, host.slow_ms));
if (host.exit_code !== undefined) end(host.exit_code, { stderr: host.stderr });

/** sshd listens on its own loopback, and what comes there goes on from here. */
async function forward(text) {
  const [, listen_host, port, to_host, to_port] = /^([^:]+):(\d+):(.+):(\d+)$/.exec(text);
  const server = createServer((socket) => {
    const onward = connect(Number(to_port), to_host.replace(/^\[(.*)\]$/, '$1'));
    for (const one of [socket, onward]) one.on('error', () => {});
    socket.pipe(onward).pipe(socket);
  });
  await new Promise((resolve) => {
    server.once('error', () =>
      end(255, { stderr: `Error: remote port forwarding failed for listen port ${port}\n` }),
    );
    server.listen(Number(port), listen_host, resolve);
  });
  server.unref();
}

for (const text of options['-R'] ?? []) {
  if (host.forwards_nothing === true) {
    const port = text.split(':')[1];
    end(255, { stderr: `Error: remote port forwarding failed for listen port ${port}\n` });
  }
  await forward(text);
}

let command = words.join(' ');
for (const [from, to] of host.replace ?? []) command = command.replaceAll(from, to);
const env = {
  PATH: host.path ?? process.env.PATH,
  HOME: '/',
  LOGNAME: 'me',
  SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22',
};
// what sshd starts is in a session of its own, and lives on when the connection ends
const child = spawn(host.shell ?? '/bin/sh', ['-c', command], {
  env,
  stdio: 'inherit',
  cwd: '/',
  detached: true,
});
child.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 255)));
